// Package lowering tells graph builders what a backend is good at. It does not import
// any backend.
package lowering

import "github.com/gomlx/compute"

// PureGo reports whether b is the pure-Go backend, which runs one operation at a
// time, is fast at matrix products only, and has no FFT and no usable convolution.
func PureGo(b compute.Backend) bool { return b.Name() == "Go Backend" }
