package diffusion_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// childVariable names the checkpoint file to a copy of the test program that is to
// train and be killed.
const childVariable = "LATDIFF_TEST_TRAIN"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := trainChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	kills           = 20
	killEvery       = 6 // steps between kills, at least
	checkpointEvery = 4
	// Twice what the kills need: on a busy machine a process gets further before the
	// test sees its output and kills it.
	childSteps = 440
)

// killTrainer returns a trainer that is the same in every process.
func killTrainer(t testing.TB, path string, progress func(diffusion.TrainProgress)) *diffusion.Trainer {
	m, ens, residual := phi4Model(t, 64, 4, 4)
	return must(diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
		Objective: diffusion.Target, Targets: residual, Steps: childSteps, Batch: 16, Seed: 6,
		Checkpoint: path, CheckpointSteps: checkpointEvery, Progress: progress,
	}))
}

// trainChild trains until it is done or killed, from the checkpoint if there is one,
// and reports every step on its standard output.
func trainChild(path string) error {
	trainer := killTrainer(childTB{}, path, func(p diffusion.TrainProgress) { fmt.Println(p.Step) })
	if _, err := os.Stat(path); err == nil {
		if err := trainer.Restore(path); err != nil {
			return err
		}
	}
	return trainer.Run(context.Background())
}

// childTB is the testing.TB of a process that runs no test.
type childTB struct{ testing.TB }

func (childTB) Helper()                  {}
func (childTB) Context() context.Context { return context.Background() }

// A training run that is killed with SIGKILL again and again, at random moments, also
// in the middle of writing its checkpoint, ends with the weights of one that was not.
func TestKillAndResume(t *testing.T) {
	whole := killTrainer(t, "", nil)
	if err := whole.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := weights(must(whole.Model()))

	path := filepath.Join(t.TempDir(), "train.npz")
	rng := rand.New(rand.NewPCG(1, 2))
	for kill := range kills {
		if last := lifetime(t, path, time.Duration(rng.IntN(4000))*time.Microsecond); last >= childSteps {
			t.Fatalf("the run ended before kill %d", kill)
		}
	}
	if last := lifetime(t, path, -1); last != childSteps {
		t.Fatalf("the last process ended at step %d of %d", last, childSteps)
	}
	if got := weights(must(diffusion.LoadModel(path))); !slices.Equal(got, want) {
		t.Error("the run that was killed ended with other weights")
	}
}

// lifetime runs one process and kills it, the delay after it has done enough steps to
// leave a new checkpoint; a negative delay lets it finish. It returns the last step
// that the process reported.
func lifetime(t *testing.T, path string, delay time.Duration) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	first, last := 0, 0
	killed := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Fatalf("unexpected output %q", lines.Text())
		}
		if first == 0 {
			first = last
		}
		if delay >= 0 && !killed && last >= first+killEvery {
			time.Sleep(delay)
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			killed = true
		}
	}
	if err := child.Wait(); err != nil && !killed {
		t.Fatal(err)
	}
	return last
}
