package main

import (
	"strings"
	"testing"
)

// A checkpoint is that of one model: with a list of couplings it is refused before anything is read.
func TestCheckpointOfFamily(t *testing.T) {
	err := run(t.Context(), []string{"-model", "nothing.npz", "-at", "0.2,0.3", "-checkpoint", "state"})
	if err == nil || !strings.Contains(err.Error(), "-checkpoint") {
		t.Errorf("got %v", err)
	}
}
