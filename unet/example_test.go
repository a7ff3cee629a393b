package unet_test

import (
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

func ExampleNetwork_Adapt() {
	// Two coarser resolutions halve every extent twice.
	u, err := unet.New(unet.Config{Channels: []int{16, 32, 64}})
	if err != nil {
		panic(err)
	}
	for _, dims := range [][]int{{32, 32}, {16, 8, 4}, {6, 6}} {
		lat, err := lattice.New(dims...)
		if err != nil {
			panic(err)
		}
		_, err = u.Adapt(diffusion.Theory{Layout: lattice.Scalar(lat)})
		fmt.Println(lat, err)
	}
	// Output:
	// 32x32 <nil>
	// 16x8x4 <nil>
	// 6x6 unet: expected extents divisible by 4 for 3 resolutions, got 6x6: give Channels fewer entries
}
