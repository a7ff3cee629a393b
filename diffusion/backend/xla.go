//go:build xla

package backend

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
)

func init() {
	openers["xla"] = func(config string) (compute.Backend, error) {
		// A program must never fetch binaries unasked: a missing plugin is an error.
		xla.EnableAutoInstall(false)
		b, err := xla.New(config)
		if err != nil {
			// The concrete pointer must not become a non-nil interface.
			return nil, err
		}
		return b, nil
	}
}
