// Package backendtest opens the backend on which the tests of networks run.
package backendtest

import (
	"fmt"
	"os"
	"sync"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion/backend"
)

// Variable is the environment variable that names the backend of the tests, as for
// [backend.Open]: go by default; xla:PLUGIN needs the build tag xla.
const Variable = "LATDIFF_TEST_BACKEND"

// Name returns the name of the backend of the tests.
func Name() string {
	if name := os.Getenv(Variable); name != "" {
		return name
	}
	return "go"
}

// Open returns the backend of the tests. The weights of a model live on one backend, so
// that all tests of a process share it. It panics if there is no such backend.
var Open = sync.OnceValue(func() compute.Backend {
	b, err := backend.Open(Name())
	if err != nil {
		panic(fmt.Sprintf("%s=%s: %v", Variable, Name(), err))
	}
	return b
})
