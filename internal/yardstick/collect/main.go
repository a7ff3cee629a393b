// Collect puts what the scripts of internal/yardstick measured into one file,
// yardstick.json, and prints a table of it.
//
//	collect FOLDER
//	collect -fit 150 -network hollow SPEED.json
//
// The second form prints the number of training steps that fit into so many seconds,
// after a file that examples/speed wrote.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/latdiff/latdiff/internal/atomicfile"
)

func main() {
	fit := flag.Float64("fit", 0, "print the number of training steps that fit into so many `seconds`")
	network := flag.String("network", "hollow", "network of -fit")
	flag.Parse()
	err := fmt.Errorf("expected one argument, got %d", flag.NArg())
	switch {
	case flag.NArg() != 1:
	case *fit > 0:
		err = printSteps(os.Stdout, flag.Arg(0), *network, *fit)
	default:
		err = collect(os.Stdout, flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "collect:", err)
		os.Exit(1)
	}
}

// Result is the content of yardstick.json.
type Result struct {
	Time  string `json:"time"`
	Parts []Part `json:"parts"`
}

// Part is one program that was run.
type Part struct {
	Name string `json:"name"`
	// Status is "0" for success, another exit status, "timeout", or "skipped".
	Status  string  `json:"status"`
	Seconds float64 `json:"seconds"`
	Command string  `json:"command"`
	// Record is the JSON that the program wrote, if any.
	Record json.RawMessage `json:"record,omitempty"`
	// Numbers are those of the lines of text "name number", in their order.
	Numbers map[string][]float64 `json:"numbers,omitempty"`
	// Lines are the last lines of text.
	Lines []string `json:"lines,omitempty"`
}

// speedRecord is the part of a record of examples/speed that the table shows.
type speedRecord struct {
	Rows []struct {
		Network    string `json:"network"`
		Batch      int    `json:"batch"`
		Training   median `json:"training_step_ms"`
		Flow       median `json:"flow_ms_per_configuration"`
		Reverse    median `json:"reverse_sde_ms_per_configuration"`
		Score      median `json:"score_ms"`
		Divergence median `json:"score_divergence_ms"`
	} `json:"rows"`
}

type median struct {
	Median float64 `json:"median"`
}

func (m median) String() string { return strconv.FormatFloat(m.Median, 'g', 4, 64) }

// collect reads the list of parts in a folder and what they left there.
func collect(w io.Writer, folder string) error {
	list, err := os.ReadFile(filepath.Join(folder, "parts.tsv"))
	if err != nil {
		return err
	}
	r := Result{Time: time.Now().UTC().Format(time.RFC3339)}
	for line := range strings.Lines(string(list)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 4)
		if len(f) != 4 {
			return fmt.Errorf("expected four columns in parts.tsv, got %q", line)
		}
		p := Part{Name: f[0], Status: f[1], Command: f[3]}
		if p.Seconds, err = strconv.ParseFloat(f[2], 64); err != nil {
			return fmt.Errorf("parts.tsv: %w", err)
		}
		if record, err := os.ReadFile(filepath.Join(folder, p.Name+".json")); err == nil && json.Valid(record) {
			p.Record = record
		}
		if text, err := os.Open(filepath.Join(folder, p.Name+".txt")); err == nil {
			p.read(text)
			text.Close()
		}
		r.Parts = append(r.Parts, p)
	}
	err = atomicfile.Write(filepath.Join(folder, "yardstick.json"), func(f io.Writer) error {
		e := json.NewEncoder(f)
		e.SetIndent("", " ")
		return e.Encode(r)
	})
	if err != nil {
		return err
	}
	return table(w, r.Parts)
}

// numberPattern finds a name with a number behind it.
var numberPattern = regexp.MustCompile(`([A-Za-z][\w./()]*)[: =]+([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)s?(?:[\s,)]|$)`)

// keepLines is the number of lines of text that are kept.
const keepLines = 60

func (p *Part) read(text io.Reader) {
	s := bufio.NewScanner(text)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		// A progress bar overwrites its line.
		line := s.Text()[strings.LastIndexByte(s.Text(), '\r')+1:]
		line = strings.TrimRightFunc(strings.Map(printable, line), unicode.IsSpace)
		if line == "" {
			continue
		}
		for _, m := range numberPattern.FindAllStringSubmatch(line, -1) {
			if v, err := strconv.ParseFloat(m[2], 64); err == nil {
				if p.Numbers == nil {
					p.Numbers = map[string][]float64{}
				}
				p.Numbers[m[1]] = append(p.Numbers[m[1]], v)
			}
		}
		p.Lines = append(p.Lines, line)
		p.Lines = p.Lines[max(0, len(p.Lines)-keepLines):]
	}
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// table prints the rows of all records of examples/speed, and what the programs in Python
// print in the same sense.
func table(w io.Writer, parts []Part) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "part\tnetwork\tbatch\ttraining step\tflow/conf\treverse/conf\tscore\tscore+divergence")
	for _, p := range parts {
		var r speedRecord
		if p.Record != nil && json.Unmarshal(p.Record, &r) == nil {
			for _, row := range r.Rows {
				fmt.Fprintf(t, "%s\t%s\t%d\t%v\t%v\t%v\t%v\t%v\n", p.Name, row.Network, row.Batch, row.Training, row.Flow, row.Reverse, row.Score, row.Divergence)
			}
		}
		if step, ok := p.Numbers["train_step_ms"]; ok {
			fmt.Fprintf(t, "%s\t\t\t%g\t\t\t%v\t%v\n", p.Name, step[0], p.Numbers["score_ms"], p.Numbers["score_div_ms"])
		}
		if step, ok := p.Numbers["ms/step"]; ok {
			fmt.Fprintf(t, "%s\t\t\t%.4g\t\t\t\t\n", p.Name, step[len(step)-1])
		}
		if p.Status != "0" {
			fmt.Fprintf(t, "%s\t%s\t\t\t\t\t\t\n", p.Name, p.Status)
		}
	}
	return t.Flush()
}

// printSteps prints how many training steps of the network a time has room for.
func printSteps(w io.Writer, file, network string, seconds float64) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var r speedRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, row := range slices.Backward(r.Rows) {
		if row.Network == network && row.Training.Median > 0 {
			_, err := fmt.Fprintln(w, max(2, int(seconds*1e3/row.Training.Median)))
			return err
		}
	}
	return fmt.Errorf("expected a time of %s in %s, got none", network, file)
}
