package lattice_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func vectors(t testing.TB, components int, dims ...int) lattice.Layout {
	t.Helper()
	return lattice.Vector(newLattice(t, dims...), components)
}

func TestLayout(t *testing.T) {
	l := vectors(t, 3, 2, 4)
	if l.Size() != 24 || l.Volume() != 8 || !slices.Equal(l.Shape(), []int{3, 2, 4}) || l.String() != "2x4 (3 components)" {
		t.Errorf("size %d, volume %d, shape %v, %v", l.Size(), l.Volume(), l.Shape(), l)
	}
	phi := make([]float64, l.Size())
	for i := range phi {
		phi[i] = float64(i)
	}
	two := l.Component(phi, 2)
	if len(two) != 8 || two[3] != 2*8+3 || &two[0] != &phi[16] {
		t.Errorf("component 2 is %v", two)
	}
	one := l.Component(phi, 1)
	if _ = append(one, -1); phi[16] != 16 {
		t.Error("append to a component wrote into the next")
	}
	s := lattice.Scalar(l.Lattice)
	if s.Components != 1 || s.Size() != 8 || !slices.Equal(s.Shape(), []int{2, 4}) || s.String() != "2x4" {
		t.Errorf("scalar of size %d and shape %v, %v", s.Size(), s.Shape(), s)
	}
	s.Shape()[0] = 7
	if l.Extent(0) != 2 {
		t.Error("the caller changed the extents")
	}
	var none lattice.Layout
	if none.String() != "no lattice" {
		t.Errorf("the zero layout is %v", none)
	}
	for _, c := range []struct {
		a, b lattice.Layout
		want bool
	}{
		{l, vectors(t, 3, 2, 4), true}, {l, vectors(t, 2, 2, 4), false}, {l, vectors(t, 3, 4, 2), false},
		{vectors(t, 2, 4), vectors(t, 1, 2, 4), false}, {none, none, true}, {l, none, false}, {none, l, false},
	} {
		if c.a.Equal(c.b) != c.want {
			t.Errorf("%v equal to %v: expected %v", c.a, c.b, c.want)
		}
	}
}

func TestLayoutCheck(t *testing.T) {
	lat := newLattice(t, 4, 4)
	for _, l := range []lattice.Layout{{}, {Components: 1}, {Lattice: lat}, {lat, -1}, {lat, lattice.MaxComponents + 1}} {
		if err := l.Check(); err == nil || !strings.HasPrefix(err.Error(), "lattice: expected") {
			t.Errorf("%d components: error %v", l.Components, err)
		}
	}
	if err := (lattice.Vector(lat, lattice.MaxComponents)).Check(); err != nil {
		t.Error(err)
	}
	// Sites of 2¹⁰ components, as many as there may be.
	most := min(1<<30, math.MaxInt/8) >> 10
	if err := vectors(t, 1<<10, most).Check(); err != nil {
		t.Error(err)
	}
	if vectors(t, 1<<10, most+1).Check() == nil {
		t.Error("more than 2³⁰ numbers gave no error")
	}

	l := vectors(t, 2, 3)
	if err := l.CheckField([]float64{1, 2, 3, 4, 5, 6}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		phi  []float64
		want string
	}{
		{nil, "lattice: expected a field of 6 numbers on 3 (2 components), got 0"},
		{make([]float64, 3), "lattice: expected a field of 6 numbers on 3 (2 components), got 3"},
		{[]float64{0, 0, 0, 0, math.NaN(), 0}, "lattice: expected a finite field, got NaN at component 1 of site 1"},
		{[]float64{0, 0, math.Inf(-1), 0, 0, 0}, "lattice: expected a finite field, got -Inf at component 0 of site 2"},
	} {
		if err := l.CheckField(c.phi); err == nil || err.Error() != c.want {
			t.Errorf("error %v, expected %s", err, c.want)
		}
	}
	err := lattice.Scalar(l.Lattice).CheckField([]float64{0, 0, math.NaN()})
	if err == nil || err.Error() != "lattice: expected a finite field, got NaN at site 2" {
		t.Errorf("error %v", err)
	}

	var nothing *lattice.Phi4
	for _, a := range []lattice.Action{nil, nothing, valueAction{}} {
		if lattice.CheckAction(a) == nil {
			t.Errorf("no error for the action %v", a)
		}
	}
	if err := lattice.CheckAction(newPhi4(t, 0.2, 1, 4)); err != nil {
		t.Error(err)
	}
}

// The invariants of vectors do not change when O(N) acts, and are what their sums say.
func TestVectorObservables(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, l := range []lattice.Layout{vectors(t, 1, 4, 3), vectors(t, 2, 5), vectors(t, 3, 2, 4), vectors(t, 4, 2, 1, 3)} {
		v := float64(l.Volume())
		phi := gaussian(rng, l.Size())
		m := l.Magnetization(nil, phi)
		want := make([]float64, l.Components)
		hop := 0.0
		for i, x := range phi {
			c, site := i/l.Volume(), i%l.Volume()
			want[c] += x / v
			for mu := range l.Dim() {
				hop += x * phi[c*l.Volume()+int(l.Forward(mu)[site])] / v
			}
		}
		wantNear(t, "M", m, want, 1e-13)
		squared := 0.0
		for _, x := range m {
			squared += x * x
		}
		if got := l.SquaredMagnetization(phi); !near(got, squared, 1e-13) {
			t.Errorf("%v: M·M = %v, expected %v", l, got, squared)
		}
		if got := l.AbsMagnetization(phi); !near(got, math.Sqrt(squared), 1e-13) {
			t.Errorf("%v: |M| = %v, expected %v", l, got, math.Sqrt(squared))
		}
		if got := l.Hopping(phi); !near(got, hop, 1e-13) {
			t.Errorf("%v: hopping %v, expected %v", l, got, hop)
		}
		mu := l.Dim() - 1
		if got := l.Mode(phi, mu, 0); !near(got, v*squared, 1e-12) {
			t.Errorf("%v: mode 0 is %v, expected V M·M = %v", l, got, v*squared)
		}
		// G(t) = Σ (1/V) Σ_y φ(y)·φ(y+x) over the sites with x_μ = t.
		corr := l.Correlator(nil, phi, mu)
		direct := make([]float64, l.Extent(mu))
		for c := range l.Components {
			field := l.Component(phi, c)
			for y, a := range field {
				for z, b := range field {
					d := l.Coord(nil, z)[mu] - l.Coord(nil, y)[mu] + l.Extent(mu)
					direct[d%l.Extent(mu)] += a * b / v
				}
			}
		}
		wantNear(t, "correlator", corr, direct, 1e-12)

		if l.Components > 1 {
			sin, cos := math.Sincos(1.1)
			turned := slices.Clone(phi)
			for x := range l.Volume() {
				a, b := l.Component(phi, 0)[x], l.Component(phi, 1)[x]
				l.Component(turned, 0)[x], l.Component(turned, 1)[x] = cos*a-sin*b, sin*a+cos*b
			}
			for name, f := range map[string]func([]float64) float64{
				"|M|": l.AbsMagnetization, "M·M": l.SquaredMagnetization, "hopping": l.Hopping,
				"mode": func(f []float64) float64 { return l.Mode(f, mu, 1) },
			} {
				if a, b := f(phi), f(turned); !near(a, b, 1e-12) {
					t.Errorf("%v: %s turns from %v into %v", l, name, a, b)
				}
			}
			wantNear(t, "turned correlator", l.Correlator(nil, turned, mu), corr, 1e-12)
		} else if l.AbsMagnetization(phi) != lattice.AbsMagnetization(phi) || l.Hopping(phi) != l.Lattice.Hopping(phi) {
			t.Errorf("%v: observables of a scalar differ", l)
		}
		for name, f := range map[string]func(){
			"M": func() { l.Magnetization(nil, phi[1:]) }, "M·M": func() { l.SquaredMagnetization(phi[1:]) },
			"correlator": func() { l.Correlator(nil, phi[1:], 0) }, "length of M": func() { l.Magnetization(make([]float64, 7), phi) },
		} {
			if !panics(f) {
				t.Errorf("%v: %s of a field of another length did not panic", l, name)
			}
		}
	}
}

// The accumulated spectrum against the sums that define it.
func TestVectorPowerSpectrum(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	l := vectors(t, 2, 3, 3)
	v := float64(l.Volume())
	const n = 5
	mean := []float64{1.5, -0.25}
	e := lattice.NewEnsemble(l, n)
	for range n {
		phi := gaussian(rng, l.Size())
		for i := range phi {
			phi[i] += mean[i/l.Volume()]
		}
		e.Append(phi)
	}
	clear(mean)
	power := make([]float64, l.Size())
	for _, phi := range e.All() {
		for c := range mean {
			field := l.Component(phi, c)
			mean[c] += lattice.Magnetization(field) / n
			for k, z := range directTransform(l.Lattice, field) {
				l.Component(power, c)[k] += (real(z)*real(z) + imag(z)*imag(z)) / n
			}
		}
	}
	s := e.PowerSpectrum()
	if s.Len() != n {
		t.Errorf("%d configurations", s.Len())
	}
	wantNear(t, "mean", s.Mean(nil), power, 1e-12)
	wantNear(t, "mean of the field", s.FieldMean(), mean, 1e-12)

	// The spectrum of φ - ⟨φ⟩.
	shifted := lattice.NewPowerSpectrum(l)
	for _, phi := range e.All() {
		moved := slices.Clone(phi)
		for i := range moved {
			moved[i] -= mean[i/l.Volume()]
		}
		shifted.Add(moved)
	}
	wantNear(t, "connected", s.Connected(nil), shifted.Mean(nil), 1e-12)
	if got, want := s.Connected(nil)[l.Volume()], power[l.Volume()]-v*mean[1]*mean[1]; !near(got, want, 1e-12) {
		t.Errorf("connected zero mode %v, expected %v", got, want)
	}

	want := slices.Clone(power)
	for c := range mean {
		l.Symmetrize(l.Component(want, c), l.Component(want, c))
	}
	wantNear(t, "symmetrized", s.Symmetrized(nil), want, 1e-12)

	parts := e.Slice(0, 2).PowerSpectrum()
	parts.Merge(e.Slice(2, n).PowerSpectrum())
	wantNear(t, "merged", parts.Connected(nil), s.Connected(nil), 1e-12)
	if parts.Len() != n || !panics(func() { parts.Merge(lattice.NewPowerSpectrum(vectors(t, 1, 3, 3))) }) {
		t.Error("merged a wrong number, or spectra of another layout")
	}
	if !panics(func() { s.Add(make([]float64, 9)) }) {
		t.Error("a field of one component was taken for one of two")
	}
	if x := lattice.NewPowerSpectrum(l).Mean(nil); !math.IsNaN(x[0]) {
		t.Errorf("mean %v of nothing", x[0])
	}
}

func TestEnsembleAs(t *testing.T) {
	e := goldenEnsemble(t, 3, 2, 4, 4)
	e.Params["kappa"] = 0.2
	e.Extra["a"] = []float64{1, 2, 3}
	o2 := vectors(t, 2, 4, 4)
	v, err := e.As(o2)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Layout.Equal(o2) || v.Len() != 3 || &v.Data[0] != &e.Data[0] || v.Params["kappa"] != 0.2 || v.Extra["a"][2] != 3 {
		t.Errorf("%v, %d configurations, %v, %v", v.Layout, v.Len(), v.Params, v.Extra)
	}
	back, err := v.As(e.Layout)
	if err != nil || !back.Layout.Equal(e.Layout) {
		t.Errorf("%v, %v", back, err)
	}
	// A channel of its own for the one component.
	channel := goldenEnsemble(t, 2, 1, 4, 4)
	scalar, err := channel.As(vectors(t, 1, 4, 4))
	if err != nil || scalar.Len() != 2 || scalar.Dim() != 2 {
		t.Errorf("%v, %v", scalar, err)
	}
	if again, err := scalar.As(channel.Layout); err != nil || again.Dim() != 3 {
		t.Errorf("%v, %v", again, err)
	}
	for _, l := range []lattice.Layout{vectors(t, 4, 2, 4), vectors(t, 1, 4, 4), vectors(t, 1, 32), vectors(t, 1, 1, 2, 4, 4, 1), {}, {Lattice: e.Lattice}} {
		if _, err := e.As(l); err == nil {
			t.Errorf("no error for %v as %v", e.Layout, l)
		}
	}
}
