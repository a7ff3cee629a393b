// Package program holds what all example programs share: their common flags, clean
// interruption, error reporting, and the output folder of a run that can resume.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/latdiff/latdiff/lattice"
)

// Main runs the body of a program under a context that ends at the first interrupt
// or termination signal, and exits: with status 0, with 1 and one line of text after
// an error, or with 130 after an interruption. A second signal kills at once.
func Main(name string, body func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := body(ctx)
	switch {
	case err == nil:
		return
	case errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(os.Stderr, "%s: interrupted; what is finished is kept, the same command continues\n", name)
		os.Exit(130)
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	os.Exit(1)
}

// Flags are the flags that every example has.
type Flags struct {
	Out     string
	Seed    uint64
	Backend string
	Dims    string
	Kappa   float64
	Lambda  float64
}

// Register adds the flags to fs with the given defaults; without a default there is none of
// -backend, -dims, -kappa and -lambda, which not all programs have.
func (f *Flags) Register(fs *flag.FlagSet, defaults Flags) {
	fs.StringVar(&f.Out, "out", defaults.Out, "output `folder`; a run that was interrupted continues there")
	fs.Uint64Var(&f.Seed, "seed", defaults.Seed, "seed of all random numbers")
	if defaults.Backend != "" {
		fs.StringVar(&f.Backend, "backend", defaults.Backend, "GoMLX backend: go, or xla:PLUGIN in a build with -tags xla")
	}
	if defaults.Dims != "" {
		fs.StringVar(&f.Dims, "dims", defaults.Dims, "extents of the periodic lattice, such as 16x16")
	}
	if defaults.Kappa != 0 {
		fs.Float64Var(&f.Kappa, "kappa", defaults.Kappa, "hopping parameter κ")
	}
	if defaults.Lambda != 0 {
		fs.Float64Var(&f.Lambda, "lambda", defaults.Lambda, "quartic coupling λ ≥ 0")
	}
}

// NewFlagSet returns the flags of a program that says what it is about before it lists them.
func NewFlagSet(name, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), about)
		fs.PrintDefaults()
	}
	return fs
}

// AtLeast returns an error if the value of a flag that counts something is too small.
func AtLeast(flag string, value, least int) error {
	if value < least {
		return fmt.Errorf("expected -%s of at least %d, got %d", flag, least, value)
	}
	return nil
}

// Parse parses the arguments of the program and refuses positional ones. Errors are
// returned for Main to report; only a request for help prints the usage. Programs that
// run networks, those with the flag -backend, are told when their build is a slow one.
func Parse(fs *flag.FlagSet, args []string) error {
	usage := fs.Output()
	fs.SetOutput(io.Discard)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fs.SetOutput(usage)
			fs.Usage()
		}
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("expected flags only, got %q", fs.Arg(0))
	}
	if simdHint != "" && fs.Lookup("backend") != nil {
		fmt.Fprintln(os.Stderr, simdHint)
	}
	return nil
}

// Phi4 returns the action that the flags describe.
func (f *Flags) Phi4() (*lattice.Phi4, error) {
	dims, err := lattice.ParseDims(f.Dims)
	if err != nil {
		return nil, err
	}
	lat, err := lattice.New(dims...)
	if err != nil {
		return nil, err
	}
	return lattice.NewPhi4(lat, f.Kappa, f.Lambda)
}

// Part returns the seed of one part of the run. Parts are spaced such that the seeds of
// neighbouring runs do not overlap.
func (f *Flags) Part(part int) uint64 { return f.Seed<<8 + uint64(part) }
