package diffusion

import "fmt"

// Parity says whether a network is odd in the field.
type Parity string

const (
	// AutoParity is [Odd] for an action with the symmetry φ → -φ, or one whose
	// symmetries are not known, and else [NoParity].
	AutoParity Parity = ""
	// Odd networks obey out(-φ) = -out(φ), whatever their weights.
	Odd Parity = "odd"
	// NoParity is for actions that are not even.
	NoParity Parity = "none"
)

// Resolve returns Odd or NoParity for a theory. It returns an error for a network that is
// to be odd if the action is known not to be even, and for an unknown word.
func (p Parity) Resolve(t Theory) (Parity, error) {
	even := t.Symmetries == nil || t.Symmetries.Sign
	switch p {
	case AutoParity:
		if even {
			return Odd, nil
		}
		return NoParity, nil
	case Odd:
		if !even {
			return p, fmt.Errorf("expected an action with the symmetry φ → -φ for a network that is odd in the field, got one without: leave its Parity open, or set it to %q", NoParity)
		}
		return p, nil
	case NoParity:
		return p, nil
	}
	return p, p.Check()
}

// Check returns an error for an unknown word.
func (p Parity) Check() error {
	switch p {
	case AutoParity, Odd, NoParity:
		return nil
	}
	return fmt.Errorf("expected the parity %q, %q or none given, got %q", Odd, NoParity, string(p))
}
