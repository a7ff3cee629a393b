// Package shipped reads the models that packages embed, and the cards that describe them.
package shipped

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
)

// Cards returns the cards in the files *.json of a folder, ordered by the names of the files. It
// panics if the folder has a file that is none, which a test of the package that embeds it finds.
func Cards[C any](files fs.FS, folder string) []C {
	names, err := fs.Glob(files, folder+"/*.json")
	if err != nil {
		panic("shipped: " + err.Error())
	}
	cards := make([]C, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			panic("shipped: " + err.Error())
		}
		if err := json.Unmarshal(text, &cards[i]); err != nil {
			panic("shipped: " + name + ": " + err.Error())
		}
	}
	return cards
}

// Model returns the model of the card with the given name in a folder, read by read. It returns an
// error for a card of which there is no model.
func Model[M any](files fs.FS, folder, name string, read func(r io.ReaderAt, size int64) (M, error)) (m M, err error) {
	data, err := fs.ReadFile(files, folder+"/"+name+".npz")
	if err != nil {
		return m, fmt.Errorf("pretrained: expected the card of a model that is shipped: %w", err)
	}
	return read(bytes.NewReader(data), int64(len(data)))
}
