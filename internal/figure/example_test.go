package figure_test

import (
	"bytes"
	"fmt"
	"image/png"

	"github.com/latdiff/latdiff/internal/figure"
)

// The acceptance rate against κ, with a published value.
func Example() {
	fig, err := figure.Lines([]figure.Series{{
		Name:  "DM-MC",
		X:     []float64{0.20, 0.22, 0.24, 0.26},
		Y:     []float64{0.81, 0.78, 0.71, 0.63},
		Err:   []float64{0.01, 0.01, 0.02, 0.02},
		Style: figure.Joined,
	}}, figure.LinesConfig{
		Options:    figure.Options{X: figure.Axis{Label: "κ"}, Y: figure.Axis{Label: "acceptance", Min: 0, Max: 1}},
		References: []figure.Reference{{Label: "published", Value: 0.6, Err: 0.05}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b bytes.Buffer
	if err := fig.WritePNG(&b); err != nil {
		fmt.Println(err)
		return
	}
	c, err := png.DecodeConfig(&b)
	fmt.Println(c.Width, "by", c.Height, "pixels", err)
	// Output: 945 by 709 pixels <nil>
}
