package diffusion

import (
	"encoding/json"
	"fmt"
)

// spaceMeta is the space in a file. Euclidean space has none, and lifted angles without sectors have
// members of their own, "quantized" and "lift". A file with one has the version spaceVersion, which readers
// that do not know it refuse.
type spaceMeta struct {
	Kind   string          `json:"kind"`
	Config json.RawMessage `json:"config,omitempty"`
}

const spaceVersion = 3

// setSpace describes a space in the file.
func (f *fileMeta) setSpace(s Space) error {
	switch s := s.(type) {
	case Euclidean:
		return nil
	case LiftedAngles:
		if s.Sectors == nil {
			f.Quantized, f.Lift = true, s.Lift
			return nil
		}
	}
	config, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("diffusion: encoding the space of the fields: %w", err)
	}
	f.Version, f.Space = spaceVersion, &spaceMeta{s.Kind(), config}
	return nil
}

// space returns the space that the file describes.
func (f *fileMeta) space() (Space, error) {
	switch {
	case f.Space == nil && f.Quantized:
		return LiftedAngles{Lift: f.Lift}, nil
	case f.Space == nil:
		return Euclidean{}, nil
	}
	r, ok := spaces[f.Space.Kind]
	if !ok {
		return nil, fmt.Errorf("expected fields of a registered space (is its package imported?), got %q", f.Space.Kind)
	}
	s, err := r.decode(f.Space.Config)
	if err != nil {
		return nil, fmt.Errorf("space %q: %w", f.Space.Kind, err)
	}
	return s, nil
}
