package interchange

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// pyerrorsVersion is the version of the format, that of pyerrors 2.
const pyerrorsVersion = "1.1"

// WritePyerrors writes ensembles in the gzipped JSON format of pyerrors, for
// pyerrors.input.json.load_json: an Obs per observable, in order, whose tag is the name of the
// observable, and whose replicas are called ensemble|replica and keep the numbers of their
// steps. pyerrors wants five measurements on every replica. The bytes are a function of the
// arguments; there is no date in them.
func WritePyerrors(w io.Writer, description string, ensembles ...Ensemble) error {
	for _, e := range ensembles {
		if err := e.check(); err != nil {
			return err
		}
	}
	z := gzip.NewWriter(w)
	b := bufio.NewWriter(z)
	p := &printer{w: b}
	p.text(`{"program": "latdiff", "version": `).value(pyerrorsVersion).text(`, "description": `).value(description).text(`, "obsdata": [`)
	first := true
	for _, e := range ensembles {
		for _, o := range e.Observables {
			if !first {
				p.text(",")
			}
			first = false
			p.observable(e.Name, o)
		}
	}
	p.text("\n]}\n")
	if p.err == nil {
		p.err = b.Flush()
	}
	if p.err == nil {
		p.err = z.Close()
	}
	if p.err != nil {
		return fmt.Errorf("interchange: %w", p.err)
	}
	return nil
}

// printer writes JSON without holding all of it, and keeps the first error.
type printer struct {
	w   *bufio.Writer
	buf []byte
	err error
}

func (p *printer) text(s string) *printer {
	if p.err == nil {
		_, p.err = p.w.WriteString(s)
	}
	return p
}

func (p *printer) value(v any) *printer {
	data, err := json.Marshal(v)
	if p.err == nil {
		p.err = err
	}
	return p.text(string(data))
}

// observable writes the mean over all replicas and the deviations from it.
func (p *printer) observable(ensemble string, o Observable) {
	mean := meanOf(o)
	p.text("\n" + `{"type": "Obs", "layout": "1", "tag": `).value([]string{o.Name}).text(`, "value": `).value([]float64{mean})
	p.text(`, "data": [{"id": `).value(ensemble).text(`, "replica": [`)
	for i, r := range o.Replicas {
		if i > 0 {
			p.text(",")
		}
		p.text("\n" + `{"name": `).value(ensemble + "|" + r.Name).text(`, "deltas": [`)
		for j, v := range r.Values {
			b := append(p.buf[:0], '[')
			if j > 0 {
				b = append(p.buf[:0], ",\n["...)
			}
			b = strconv.AppendInt(b, int64(r.step(j)), 10)
			b = append(b, ", "...)
			b = strconv.AppendFloat(b, v-mean, 'g', -1, 64)
			p.buf = append(b, ']')
			if p.err == nil {
				_, p.err = p.w.Write(p.buf)
			}
		}
		p.text("]}")
	}
	p.text("]}]}")
}

// meanOf returns the mean over all measurements.
func meanOf(o Observable) float64 {
	first, sum, n := o.Replicas[0].Values[0], 0.0, 0
	for _, r := range o.Replicas {
		for _, v := range r.Values {
			sum += v - first
		}
		n += len(r.Values)
	}
	return first + sum/float64(n)
}
