package provenance

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/latdiff/latdiff/internal/lanes"
)

// Machine says where numbers were made.
type Machine struct {
	CPU        string   `json:"cpu"`
	Vector     []string `json:"vector"`  // vector extensions
	Kernels    string   `json:"kernels"` // vector kernels of the build that run here
	Cores      int      `json:"cores"`
	GOMAXPROCS int      `json:"gomaxprocs"`
	OS         string   `json:"os"`
	Arch       string   `json:"arch"`
	Load       string   `json:"load"` // averages over 1, 5 and 15 minutes, when it was read
}

// DescribeMachine reads what Linux tells about the processor; elsewhere it stays with what
// Go knows.
func DescribeMachine() Machine {
	m := Machine{
		CPU: runtime.GOARCH, Vector: []string{}, Kernels: lanes.Fastest().Name, Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "model name":
			m.CPU = value
		case "flags", "Features":
			m.Vector = m.Vector[:0]
			for _, f := range strings.Fields(value) {
				if slices.ContainsFunc([]string{"avx", "fma", "asimd", "sve", "amx"}, func(p string) bool { return strings.HasPrefix(f, p) }) {
					m.Vector = append(m.Vector, f)
				}
			}
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	return m
}
