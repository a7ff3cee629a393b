package lowering

// FoldProbes says whether several vectors go through the adjoint of a network side by side, in
// one batch with a copy of every field for each, or one after the other behind a common forward
// pass.
//
// On CPUs the forward passes of the copies cost more than they save. Milliseconds per
// evaluation of the default U-Net with eight probes and 64 fields, one after the other / side by
// side (two cores, Zen 4, shared with other programs): PureGo, 16×16, 228 / 397; XLACPU, 32×32,
// 918 / 2010. On GPUs nothing has been measured; eight small passes wait for each other there.
//
//	go test -run xxx -bench BenchmarkProbes ./flow
func FoldProbes(d Device) bool { return d == XLAGPU }
