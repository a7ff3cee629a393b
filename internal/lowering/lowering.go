// Package lowering tells graph builders what a backend is good at: how every operation
// that can be built in more than one way is to be built. It does not import any backend.
package lowering

import (
	"strings"

	"github.com/gomlx/compute"
)

// Device is a class of devices that are good at the same operations.
type Device int

const (
	// PureGo is the pure-Go backend. It runs one operation at a time, mostly on one core,
	// is fast at matrix products only, and has no FFT and no usable convolution.
	PureGo Device = iota
	// XLACPU is XLA on a CPU.
	XLACPU
	// XLAGPU is XLA on anything else; backends that are not known count as such.
	XLAGPU
	devices
)

// Of returns the class of the devices of b.
func Of(b compute.Backend) Device {
	name := b.Name()
	if name != "xla" {
		return classify(name, "")
	}
	return classify(name, b.DeviceDescription(0))
}

// classify returns the class of a backend by its name and by what PJRT says of its first
// device, which begins with the platform ("cpu:0", "cuda:0", in older plugins "TFRT_CPU_0" or
// "CpuDevice(id=0)"). The path of the plugin would be no guide: it is the user's.
func classify(backend, device string) Device {
	platform := strings.ToLower(device)
	switch {
	case backend == "Go Backend":
		return PureGo
	case backend == "xla" && (strings.HasPrefix(platform, "cpu") || strings.HasPrefix(platform, "tfrt_cpu")):
		return XLACPU
	}
	return XLAGPU
}

// IsPureGo tells whether b is the pure-Go backend.
func IsPureGo(b compute.Backend) bool { return Of(b) == PureGo }

// OnCPU tells whether b computes on the CPU.
func OnCPU(b compute.Backend) bool { return Of(b) != XLAGPU }

// Operation is something that a graph builder can leave to the operations of the backend
// that are made for it, or express by matrix products.
type Operation int

const (
	// Convolution is a convolution of any stride, its transposed, and their adjoints: by the
	// backend, or by products with patches of the field.
	Convolution Operation = iota
	// Move carries values between sites: by slices, concatenations and paddings, or by
	// products with 0/1 matrices along one axis.
	Move
	// Sum sums over sites, and repeats numbers for all sites: by reductions and broadcasts,
	// or by products with ones.
	Sum
	// MiddleAxis multiplies a middle axis by a small matrix: by one product and a
	// transpose, or by a stack of products with copies of the matrix.
	MiddleAxis
)

// native says which operations are left to the backend.
//
// Milliseconds of processor time on one thread (Zen 4, AVX-512, shared with other
// programs) per 64 fields of 32×32 for a training step / score / score and its product with
// the Jacobian, with XLA on the CPU. Columns are the choices of the three devices.
//
//	network                   PureGo           XLACPU           XLAGPU
//	Paper, strided            284 / 108 / 206  218 /  65 / 149  7400 / 400 / 950 (elapsed)
//	Network                   283 /  88 / 170  220 /  42 / 101   237 /  65 / 176
//	Network, 1.45 M, Box                       919 / 279 / 521   809 / 251 / 609
//	Paper                                     5356 / 1811           – / 2124
//
// With native convolutions in one place only, the strided network has: strided ones
// 266 / 69 / 185, transposed ones 446 / 211 / 375. Moves by products: 263 / 103 / 191.
// MiddleAxis: stacks give 76 instead of 83 ms for score and divergence of the hollow
// network, the same for a training step, and are constants of megabytes to compile. On GPUs
// nothing has been measured: slices, sums and convolutions do not round there, while
// products may (TF32).
//
//	LATDIFF_TEST_BACKEND=xla:PLUGIN go test -tags xla -run xxx -bench Lowerings ./unet
var native = map[Operation][devices]bool{
	Convolution: {XLAGPU: true},
	Move:        {XLACPU: true, XLAGPU: true},
	Sum:         {XLACPU: true, XLAGPU: true},
	MiddleAxis:  {XLACPU: true, XLAGPU: true},
}

// Native says whether op is left to the operations of the backend on devices d.
func Native(d Device, op Operation) bool { return native[op][d] }
