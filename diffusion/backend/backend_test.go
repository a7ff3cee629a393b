package backend_test

import (
	"testing"

	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/lowering"
)

func TestOpen(t *testing.T) {
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	if !lowering.IsPureGo(b) {
		t.Errorf("the backend called go is not recognised: its name is %q", b.Name())
	}
	for _, name := range []string{"", "cuda", "go:no_such_option", "xla:/no/such/plugin.so"} {
		if _, err := backend.Open(name); err == nil {
			t.Errorf("Open(%q) gave no error", name)
		}
	}
}
