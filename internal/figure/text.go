package figure

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sub- and superscripts are set at scriptSize of the font size, and moved by these
// shares of it.
const (
	scriptSize  = 0.7
	superRaise  = 0.36
	subLower    = -0.14
	bracketEms  = 0.33
	openBracket = '⟨'
	shutBracket = '⟩'
)

type script int

const (
	onLine script = iota
	super
	sub
)

// run is a piece of a label set in one size on one height: text, or an angle bracket,
// which is drawn since the font has none.
type run struct {
	text   string
	script script
}

func (r run) bracket() bool { return r.text == string(openBracket) || r.text == string(shutBracket) }

var unicodeScripts = func() map[rune]run {
	m := make(map[rune]run)
	add := func(s script, from, to string) {
		t := []rune(to)
		for i, r := range []rune(from) {
			m[r] = run{string(t[i]), s}
		}
	}
	add(super, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+−n")
	add(sub, "₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+−")
	return m
}()

// parse splits a line into runs.
func parse(line string) []run {
	var runs []run
	add := func(s string, sc script) {
		b := run{s, sc}.bracket()
		if n := len(runs) - 1; n >= 0 && !b && runs[n].script == sc && !runs[n].bracket() {
			runs[n].text += s
			return
		}
		runs = append(runs, run{s, sc})
	}
	addAll := func(s string, sc script) {
		for _, r := range s {
			if r == '-' && sc != onLine {
				r = '−'
			}
			add(string(r), sc)
		}
	}
	for len(line) > 0 {
		r, n := utf8.DecodeRuneInString(line)
		line = line[n:]
		switch {
		case r == '\\' && line != "":
			_, n := utf8.DecodeRuneInString(line)
			add(line[:n], onLine)
			line = line[n:]
		case r == '_' || r == '^':
			sc := sub
			if r == '^' {
				sc = super
			}
			var body string
			body, line = scriptBody(line)
			if body == "" {
				add(string(r), onLine)
			}
			addAll(body, sc)
		default:
			if s, ok := unicodeScripts[r]; ok {
				add(s.text, s.script)
			} else {
				add(string(r), onLine)
			}
		}
	}
	return runs
}

// scriptBody returns the group in braces or the word at the start of s, and the rest.
func scriptBody(s string) (body, rest string) {
	if strings.HasPrefix(s, "{") {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[1:end], s[end+1:]
		}
	}
	end := 0
	for i, r := range s {
		sign := i == 0 && strings.ContainsRune("+-−", r)
		if !sign && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return s[:end], s[end:]
}

// richText sets labels with sub- and superscripts and angle brackets.
type richText struct {
	fonts *font.Cache
}

var _ text.Handler = richText{}

func (h richText) Cache() *font.Cache { return h.fonts }

func (h richText) Extents(f font.Font) font.Extents {
	face := h.fonts.Lookup(f, f.Size)
	return face.Extents()
}

func (h richText) Lines(txt string) []string {
	return strings.Split(strings.TrimRight(txt, "\n"), "\n")
}

func (h richText) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	e := h.Extents(f)
	for _, r := range parse(txt) {
		width += h.runWidth(r, f)
	}
	return width, e.Ascent, e.Descent
}

func (r run) size(f font.Font) (size, raise vg.Length) {
	switch r.script {
	case super:
		return scriptSize * f.Size, superRaise * f.Size
	case sub:
		return scriptSize * f.Size, subLower * f.Size
	}
	return f.Size, 0
}

func (h richText) runWidth(r run, f font.Font) vg.Length {
	size, _ := r.size(f)
	if r.bracket() {
		return bracketEms * size
	}
	face := h.fonts.Lookup(f, size)
	return face.Width(r.text)
}

// Draw places the lines where [text.Plain] does, whose metrics the axes of package
// plot count on.
func (h richText) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	if txt == "" {
		return
	}
	c.SetColor(sty.Color)
	if sty.Rotation != 0 {
		c.Push()
		c.Rotate(sty.Rotation)
		defer c.Pop()
	}
	sin, cos := math.Sincos(sty.Rotation)
	s, o := vg.Length(sin), vg.Length(cos)
	pt.X, pt.Y = pt.Y*s+pt.X*o, pt.Y*o-pt.X*s

	e := h.Extents(sty.Font)
	lines := h.Lines(txt)
	pt.Y += sty.Height(txt)*vg.Length(sty.YAlign) - e.Ascent + sty.Font.Size + vg.Length(len(lines)-1)*e.Height
	for _, line := range lines {
		width, _, _ := h.Box(line, sty.Font)
		at := vg.Point{X: pt.X + vg.Length(sty.XAlign)*width, Y: pt.Y}
		for _, r := range parse(line) {
			h.drawRun(c, r, sty.Font, at)
			at.X += h.runWidth(r, sty.Font)
		}
		pt.Y -= e.Height
	}
}

func (h richText) drawRun(c vg.Canvas, r run, f font.Font, at vg.Point) {
	size, raise := r.size(f)
	at.Y += raise
	if !r.bracket() {
		c.FillString(h.fonts.Lookup(f, size), at, r.text)
		return
	}
	tip, ends := 0.08*size, 0.26*size
	if r.text == string(shutBracket) {
		tip, ends = ends, tip
	}
	var p vg.Path
	p.Move(at.Add(vg.Point{X: ends, Y: 0.76 * size}))
	p.Line(at.Add(vg.Point{X: tip, Y: 0.28 * size}))
	p.Line(at.Add(vg.Point{X: ends, Y: -0.20 * size}))
	c.SetLineWidth(0.07 * size)
	c.SetLineDash(nil, 0)
	c.Stroke(p)
}

// checkText returns an error for a character that the font lacks, which would appear
// as an empty box.
func checkText(labels ...string) error {
	face := handler.fonts.Lookup(labelFont, labelFont.Size)
	var buf sfnt.Buffer
	for _, label := range labels {
		if !utf8.ValidString(label) {
			return fmt.Errorf("figure: expected a label in UTF-8, got %q", label)
		}
		for _, r := range parse(label) {
			if r.bracket() {
				continue
			}
			for _, ch := range r.text {
				if g, err := face.Face.GlyphIndex(&buf, ch); err != nil || g == 0 || unicode.IsControl(ch) {
					return fmt.Errorf("figure: expected characters of the font Liberation Sans on one line, got %q in %q", ch, label)
				}
			}
		}
	}
	return nil
}

func style(size vg.Length, c color.Color) text.Style {
	return text.Style{Color: c, Font: font.From(labelFont, size), Handler: handler}
}

// fit returns the font size, at most the given one, in which the text is no wider
// than width.
func fit(txt string, size, width vg.Length) vg.Length {
	if w := style(size, ink).Width(txt); w > width {
		size *= width / w
	}
	return size
}

// setText draws one line of text with its baseline at pt.
func setText(c draw.Canvas, sty text.Style, pt vg.Point, txt string) {
	sty.YAlign = draw.YBottom
	e := sty.FontExtents()
	pt.Y += e.Ascent - sty.Font.Size
	c.FillText(sty, pt, txt)
}
