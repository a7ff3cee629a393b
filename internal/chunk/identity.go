package chunk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/ml/model"
)

// Identity returns a digest of the weights of a model, of its type, and of what it tells of its
// Gaussian part, by which a state is known to be that of the same model.
func Identity(m interface{ Store() *model.Store }) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%T", m)
	if g, ok := m.(interface{ Spectrum() []float64 }); ok {
		if err := binary.Write(h, binary.LittleEndian, g.Spectrum()); err != nil {
			return "", err
		}
	}
	if g, ok := m.(interface {
		Mean() []float64
		Order() float64
	}); ok {
		fmt.Fprint(h, g.Mean(), g.Order())
	}
	weights := slices.SortedFunc(m.Store().IterVariables(), func(a, b *model.Variable) int {
		return strings.Compare(a.Path(), b.Path())
	})
	for _, v := range weights {
		fmt.Fprint(h, v.Path(), v.Shape())
		value, err := v.MustValue().LocalClone()
		if err != nil {
			return "", err
		}
		if err := value.ConstBytes(func(data []byte) { h.Write(data) }); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
