package unet_test

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

func ExampleNetwork_Check() {
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
		fmt.Println(lat, u.Check(lat))
	}
	// Output:
	// 32x32 <nil>
	// 16x8x4 <nil>
	// 6x6 unet: expected extents divisible by 4 for 3 resolutions, got 6x6
}
