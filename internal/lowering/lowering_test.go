package lowering

import "testing"

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		backend, device string
		want            Device
	}{
		{"Go Backend", "", PureGo},
		{"xla", "cpu:0 [processId=0]", XLACPU},
		{"xla", "TFRT_CPU_0 [processId=0]", XLACPU},
		{"xla", "CpuDevice(id=0) [processId=0]", XLACPU},
		{"xla", "cuda:0 [processId=0]", XLAGPU},
		{"xla", "CudaDevice(id=0) [processId=0]", XLAGPU},
		{"xla", "StreamExecutorGpuDevice(id=0) [processId=0]", XLAGPU},
		{"xla", "rocm:0 [processId=0]", XLAGPU},
		{"xla", "failed to get description for device 0: no cpu", XLAGPU},
		{"xla", "", XLAGPU},
		{"other", "cpu:0", XLAGPU},
	} {
		if got := classify(c.backend, c.device); got != c.want {
			t.Errorf("%q on %q: class %d, want %d", c.backend, c.device, got, c.want)
		}
	}
}
