package report

import (
	"fmt"
	"os"
)

// Warn prints what makes the theory of a run hard for a model.
func Warn(warning string) { fmt.Fprintln(os.Stderr, "note:", warning) }
