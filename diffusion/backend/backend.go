// Package backend opens the GoMLX backends on which models run, by name.
//
// "go" is the pure-Go backend, which needs nothing. In its own default configuration it
// can wait for ever on machines with few cores; the one opened here runs the operations of a
// graph one by one, each on all cores. Programs that are built with the tag xla can open
// "xla:PLUGIN", XLA through a PJRT plugin, for GPUs and for faster CPUs. No other package
// of the library imports a backend: it is an argument everywhere, and one that a program
// opens by itself will do as well.
package backend

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// openers maps the name before the colon to the function that opens that backend;
// the file behind the build tag xla adds its own.
var openers = map[string]func(config string) (compute.Backend, error){
	"go": func(config string) (compute.Backend, error) {
		if config == "" {
			// The default runs independent operations at once; on machines with few
			// cores several large products can then each hold a worker and wait for
			// another one for ever.
			config = "ops_sequential"
		}
		return gobackend.New(config)
	},
}

// Open returns the backend called name: "go", the pure-Go one ("go:CONFIG" with a
// configuration of its own), or, in programs built with the tag xla, "xla:PLUGIN" with the
// name or absolute path of a PJRT plugin. Nothing is ever downloaded. It returns an error for an unknown name or a plugin
// that cannot be opened.
func Open(name string) (compute.Backend, error) {
	kind, config, _ := strings.Cut(name, ":")
	open, ok := openers[kind]
	if !ok && kind == "xla" {
		return nil, fmt.Errorf("backend: expected a program built with -tags xla for the backend %q, got one without", name)
	}
	if !ok {
		return nil, fmt.Errorf("backend: expected go or xla:PLUGIN, got %q", name)
	}
	b, err := open(config)
	if err != nil {
		return nil, fmt.Errorf("backend: opening %q: %w", name, err)
	}
	return b, nil
}
