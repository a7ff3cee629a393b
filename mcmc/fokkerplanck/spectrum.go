package fokkerplanck

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Spectrum holds the eigenvalues and eigenfunctions of the Fokker–Planck Hamiltonian
// (2.12), H = L†L = -α ∂² + S′²/4α - S″/2, on the grid.
type Spectrum struct {
	// Values are the eigenvalues 0 = E_0 < E_1 ≤ …, one per cell, of which the low ones
	// are those of the continuum up to O(h²), h being the width of a cell. E_1 is the gap,
	// the rate of the slowest approach to equilibrium in units of 1/τ. Rounding adds an
	// error of about 1e-15 α/h², and mixes eigenfunctions by that over their distance.
	Values []float64

	e       *Equation
	vectors *mat.Dense
}

// Spectrum diagonalises the Hamiltonian. By (2.10) it is the generator of the
// Fokker–Planck equation between factors e^{±S/2α}, a symmetric tridiagonal matrix; on
// the grid, too, it has the form L†L with the ground state e^{-S/2α} of eigenvalue 0. It
// returns an error if the diagonalisation does not converge.
func (e *Equation) Spectrum() (*Spectrum, error) {
	n := len(e.phi)
	h := mat.NewSymDense(n, nil)
	unit := e.alpha / (e.step * e.step)
	for i := range n {
		h.SetSym(i, i, e.out[i])
		if i < n-1 {
			h.SetSym(i, i+1, -unit*overlap(e.delta[i]))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(h, true) {
		return nil, errors.New("fokkerplanck: expected the spectrum to converge")
	}
	s := &Spectrum{Values: eig.Values(nil), e: e, vectors: new(mat.Dense)}
	eig.VectorsTo(s.vectors)
	return s, nil
}

// overlap returns √(B(x) B(-x)) = (x/2)/sinh(x/2) of the hopping rates B.
func overlap(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x / 2 / math.Sinh(x/2)
}

// Eigenfunction writes ψ_n, normalised to ∫ψ_n² = 1 and positive where φ is largest,
// into dst and returns it; ψ_0² is the equilibrium. It panics unless n is the number of a
// mode. A nil dst is allocated; otherwise its length must be the number of cells.
func (s *Spectrum) Eigenfunction(dst []float64, n int) []float64 {
	if n < 0 || n >= len(s.Values) {
		panic(panicMode)
	}
	dst = s.e.grow(dst)
	mat.Col(dst, n, s.vectors)
	// The last entry above rounding has the sign of the outermost lobe.
	norm := 1 / math.Sqrt(s.e.step)
	for i := len(dst) - 1; i >= 0; i-- {
		if math.Abs(dst[i]) > 1e-8 {
			norm = math.Copysign(norm, dst[i])
			break
		}
	}
	for i := range dst {
		dst[i] *= norm
	}
	return dst
}

// Amplitudes returns the a_n of the approach to equilibrium
//
//	⟨O⟩_τ = Σ_n a_n e^{-E_n τ}
//
// from the density p at τ = 0, so that a_0 is the equilibrium value. It returns an error
// if p extends to where the equilibrium density underflows.
func (s *Spectrum) Amplitudes(p []float64, o func(phi float64) float64) ([]float64, error) {
	e := s.e
	if len(p) != len(e.phi) {
		panic(panicLength)
	}
	n := len(p)
	start, end := make([]float64, n), make([]float64, n)
	for i, v := range p {
		root := math.Sqrt(e.equil[i])
		end[i] = root * o(e.phi[i]) * e.step
		switch {
		case root > 0:
			start[i] = v / root
		case v != 0:
			return nil, fmt.Errorf("fokkerplanck: expected a density inside the equilibrium one, got P(%v) = %v", e.phi[i], v)
		}
	}
	var a, b mat.VecDense
	a.MulVec(s.vectors.T(), mat.NewVecDense(n, start))
	b.MulVec(s.vectors.T(), mat.NewVecDense(n, end))
	a.MulElemVec(&a, &b)
	return a.RawVector().Data, nil
}

// Relax returns Σ_n a_n e^{-E_n τ} for the amplitudes a of [Spectrum.Amplitudes].
func (s *Spectrum) Relax(a []float64, tau float64) float64 {
	if len(a) != len(s.Values) {
		panic(panicLength)
	}
	sum := 0.0
	for n, v := range a {
		sum += v * math.Exp(-max(0, s.Values[n])*tau)
	}
	return sum
}
