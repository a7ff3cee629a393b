package diffusion_test

import "testing"

// The gradients of the parts of a batch add up to that of the whole: ten steps in one
// piece and in four give the same score up to the order of the sums in float32.
func TestPartsOfBatch(t *testing.T) {
	var scores [2][]float64
	phi := make([]float64, 16)
	for x := range phi {
		phi[x] = 0.3*float64(x%5) - 0.5
	}
	for i, parts := range []int{1, 4} {
		trainer, _ := shortTraining(t, 10, "")
		trainer.SetParts(parts)
		if err := trainer.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		scores[i] = score(t, must(trainer.Model()), 0.7, phi)
	}
	_, fresh := shortTraining(t, 10, "")
	moved := distance(scores[0], score(t, fresh, 0.7, phi))
	if d := distance(scores[0], scores[1]); !(d < 1e-3*moved) {
		t.Errorf("parts change the score by %v, the training by %v", d, moved)
	}
}
