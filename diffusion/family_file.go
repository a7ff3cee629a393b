package diffusion

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/latdiff/latdiff/internal/npz"
	"github.com/latdiff/latdiff/lattice"
)

// familyMeta is what the file of a family holds besides that of the model of its first member:
// with the members "family/spectrum" and "family/residual", the spectra of all.
type familyMeta struct {
	Coupling string       `json:"coupling"`
	Second   string       `json:"second,omitempty"`
	Members  []memberMeta `json:"members"`
}

type memberMeta struct {
	Coupling float64   `json:"coupling"`
	Second   float64   `json:"second,omitempty"`
	Mean     []float64 `json:"mean"`
	Order    float64   `json:"order"`
	SigmaMin float64   `json:"sigma_min"`
	SigmaMax float64   `json:"sigma_max"`
}

const familySpectrum, familyResidual = "family/spectrum", "family/residual"

// Save writes the family to a file, atomically. [LoadModel] reads the model of its first coupling
// from it.
func (f *Family) Save(path string) error {
	return f.model.save(path, f.model.store.Scope(netScope), nil, f)
}

func (f *Family) meta() *familyMeta {
	meta := &familyMeta{Coupling: f.couplings[0]}
	if len(f.couplings) > 1 {
		meta.Second = f.couplings[1]
	}
	for _, m := range f.members {
		one := memberMeta{Coupling: m.at[0], Mean: m.cfg.Mean, Order: m.cfg.Order, SigmaMin: m.cfg.SigmaMin, SigmaMax: m.cfg.SigmaMax}
		if len(m.at) > 1 {
			one.Second = m.at[1]
		}
		meta.Members = append(meta.Members, one)
	}
	return meta
}

func (f *Family) write(z *npz.Writer) error {
	var spectra, residuals []float64
	for _, m := range f.members {
		spectra, residuals = append(spectra, m.cfg.Spectrum...), append(residuals, m.cfg.Residual...)
	}
	return errors.Join(npz.Add(z, familySpectrum, spectra, len(spectra)), npz.Add(z, familyResidual, residuals, len(residuals)))
}

// readFamily reads the members, without what all have in common.
func (f *modelFile) readFamily(z *npz.Reader) error {
	spectra, _, errC := npz.Read[float64](z, familySpectrum)
	residuals, _, errD := npz.Read[float64](z, familyResidual)
	if err := errors.Join(errC, errD); err != nil {
		return err
	}
	list, size := f.meta.Family.Members, len(f.spectrum)
	if n := len(list) * size; len(list) < 2 || len(spectra) != n || len(residuals) != n {
		return fmt.Errorf("expected spectra of %d values of two or more couplings, got %d and %d values of %d", size, len(spectra), len(residuals), len(list))
	}
	for i, m := range list {
		at := []float64{m.Coupling}
		if f.meta.Family.Second != "" {
			at = append(at, m.Second)
		}
		if i > 0 && slices.Compare(at, f.family[i-1].at) <= 0 || lattice.CheckField(at, len(at)) != nil {
			return fmt.Errorf("expected rising couplings, got %v", list)
		}
		lo, hi := i*size, (i+1)*size
		f.family = append(f.family, member{at, ModelConfig{
			Spectrum: spectra[lo:hi:hi], Residual: residuals[lo:hi:hi], Mean: m.Mean, Order: m.Order, SigmaMin: m.SigmaMin, SigmaMax: m.SigmaMax,
		}})
	}
	return nil
}

// LoadFamily reads a family written by [Family.Save]. It returns an error as [LoadModel] does,
// and for the file of a single model.
func LoadFamily(path string) (*Family, error) {
	file, err := readFile(path)
	if err != nil {
		return nil, err
	}
	f, err := file.asFamily()
	if err != nil {
		return nil, fmt.Errorf("diffusion: file %s: %w", path, err)
	}
	return f, nil
}

// ReadFamily reads a family as [LoadFamily] does, from the size bytes of r.
func ReadFamily(r io.ReaderAt, size int64) (*Family, error) {
	file, err := readArchive(r, size)
	if err != nil {
		return nil, fmt.Errorf("diffusion: expected a family of models: %w", err)
	}
	f, err := file.asFamily()
	if err != nil {
		return nil, fmt.Errorf("diffusion: family: %w", err)
	}
	return f, nil
}

func (f *modelFile) asFamily() (*Family, error) {
	if f.family == nil {
		return nil, fmt.Errorf("expected a family of models, got a single one")
	}
	m, err := f.model()
	if err != nil {
		return nil, err
	}
	family := &Family{model: m, couplings: []string{f.meta.Family.Coupling}, members: f.family}
	if second := f.meta.Family.Second; second != "" {
		family.couplings = append(family.couplings, second)
	}
	if err := family.checkGrid(); err != nil {
		return nil, err
	}
	for i := range family.members {
		part, own := m.cfg, family.members[i].cfg
		part.Spectrum, part.Residual, part.Mean, part.Order = own.Spectrum, own.Residual, own.Mean, own.Order
		part.SigmaMin, part.SigmaMax, part.Condition = own.SigmaMin, own.SigmaMax, family.condition(family.members[i].at)
		// What a file says may be anything: the model of every member must be possible.
		if _, err := describe(m.network, part); err != nil {
			return nil, err
		}
		family.members[i].cfg = part
	}
	return family, nil
}
