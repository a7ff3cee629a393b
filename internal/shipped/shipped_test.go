package shipped_test

import (
	"io"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/latdiff/latdiff/internal/shipped"
)

type card struct{ Name string }

// Cards and models are those of the files of their folder.
func TestShipped(t *testing.T) {
	files := fstest.MapFS{
		"models/b.json":   {Data: []byte(`{"name": "b"}`)},
		"models/a.json":   {Data: []byte(`{"name": "a"}`)},
		"models/a.npz":    {Data: []byte("weights")},
		"families/c.json": {Data: []byte(`{"name": "c"}`)},
		"broken/d.json":   {Data: []byte(`{"name": `)},
	}
	if got := shipped.Cards[card](files, "models"); !slices.Equal(got, []card{{"a"}, {"b"}}) {
		t.Errorf("got the cards %v", got)
	}
	read := func(r io.ReaderAt, size int64) (string, error) {
		text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
		return string(text), err
	}
	if got, err := shipped.Model(files, "models", "a", read); err != nil || got != "weights" {
		t.Errorf("got the model %q and the error %v", got, err)
	}
	if _, err := shipped.Model(files, "models", "b", read); err == nil {
		t.Error("a card without a model was accepted")
	}
	defer func() {
		if recover() == nil {
			t.Error("a file that is no card was accepted")
		}
	}()
	shipped.Cards[card](files, "broken")
}
