package diffusion

// SetParts sets the number of parts of a batch, before the first step.
func (t *Trainer) SetParts(n int) { t.parts = n }
