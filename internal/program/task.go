package program

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Task is the part of a run that a process does, the value of the flag -task: the zero value
// is the whole run.
type Task struct {
	Part Part
	// Share is one of Shares, from 0 on.
	Share, Shares int
}

// Part is a kind of task.
type Part int

const (
	Whole    Part = iota
	Train         // the model that the shares draw from
	OneShare      // Share of Shares, in a folder of its own
	Merge         // joins all Shares, and does what is left
)

// Register adds the flag -task to fs; trains says that the program has a model to train.
func (t *Task) Register(fs *flag.FlagSet, trains bool) {
	const usage = "part of the run that this process does: `i/n`, a share, 0 ≤ i < n, in the folder task-i-of-n of -out; slurm or\n" +
		"slurm/n, the share that the job array of Slurm names; merge/n, which joins them and ends the run"
	if trains {
		fs.Var(t, "task", usage+";\ntrain, the model that the shares draw from")
		return
	}
	fs.Var(untrained{t}, "task", usage)
}

// untrained is the task of a program without training.
type untrained struct{ *Task }

func (u untrained) Set(value string) error {
	err := u.Task.Set(value)
	if err == nil && u.Part == Train {
		return errors.New("expected a share or merge/n, since this program trains nothing, got train")
	}
	return err
}

// String is that of the task, also of the zero value, which package flag asks for.
func (u untrained) String() string {
	if u.Task == nil {
		return ""
	}
	return u.Task.String()
}

// String returns the value of the flag.
func (t *Task) String() string {
	switch t.Part {
	case Train:
		return "train"
	case OneShare:
		return fmt.Sprintf("%d/%d", t.Share, t.Shares)
	case Merge:
		return fmt.Sprintf("merge/%d", t.Shares)
	}
	return ""
}

// Get returns the task.
func (t *Task) Get() any { return *t }

// Set parses the value of the flag. The variables of Slurm are looked at only where the value
// asks for them.
func (t *Task) Set(value string) error {
	*t = Task{}
	word, number, given := strings.Cut(value, "/")
	n, err := strconv.Atoi(number)
	bad := err != nil || n < 1
	switch {
	case value == "":
		return nil
	case value == "train":
		t.Part = Train
		return nil
	case value == "slurm":
		return t.fromArray()
	case given && !bad && word == "merge":
		*t = Task{Part: Merge, Shares: n}
		return nil
	case given && !bad && word == "slurm":
		i, err := variable("SLURM_ARRAY_TASK_ID")
		if err != nil {
			return err
		}
		return t.set(i, n)
	case given && !bad:
		if i, err := strconv.Atoi(word); err == nil {
			return t.set(i, n)
		}
	}
	return fmt.Errorf("expected i/n, slurm, slurm/n, merge/n or train, got %q", value)
}

func (t *Task) set(i, n int) error {
	if i < 0 || i >= n {
		return fmt.Errorf("expected a share from 0 up to %d of %d, got %d", n-1, n, i)
	}
	*t = Task{Part: OneShare, Share: i, Shares: n}
	return nil
}

// fromArray takes share and number of shares from the job array that the process belongs to.
func (t *Task) fromArray() error {
	var v [4]int
	for i, name := range []string{"ID", "MIN", "MAX", "COUNT"} {
		var err error
		if v[i], err = variable("SLURM_ARRAY_TASK_" + name); err != nil {
			return err
		}
	}
	id, least, most, count := v[0], v[1], v[2], v[3]
	step := 1
	if os.Getenv("SLURM_ARRAY_TASK_STEP") != "" {
		var err error
		if step, err = variable("SLURM_ARRAY_TASK_STEP"); err != nil {
			return err
		}
	}
	if step < 1 || (most-least)/step+1 != count || (id-least)%step != 0 {
		return fmt.Errorf("expected a job array of equidistant numbers, got %d from %d to %d in steps of %d, number %d; give slurm/n", count, least, most, step, id)
	}
	return t.set((id-least)/step, count)
}

func variable(name string) (int, error) {
	v, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return 0, fmt.Errorf("expected a number in the environment variable %s, which Slurm sets in a job array, got %q", name, os.Getenv(name))
	}
	return v, nil
}

// taskFormat is the version of the files of shares.
const taskFormat = 1

// parameters returns those of a share of a run.
func (t *Task) parameters(run map[string]any) map[string]any {
	p := maps.Clone(run)
	maps.Copy(p, map[string]any{"task": t.Share, "tasks": t.Shares, "task_format": taskFormat})
	return p
}

func (t *Task) folder(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("task-%d-of-%d", t.Share, t.Shares))
}

// PointFolder returns the folder of point i of a sweep: that of its share, or that of the run in
// dir where there are no shares.
func (t *Task) PointFolder(dir string, i int) string {
	if t.Shares == 0 {
		return dir
	}
	return (&Task{Share: i % t.Shares, Shares: t.Shares}).folder(dir)
}

// Open opens the folder of the task: that of its own for a share, else that of the run. It
// returns an error as [OpenRun] does, and for a share of another run than the one in dir.
func (t *Task) Open(dir string, parameters map[string]any) (*Run, error) {
	if t.Part != OneShare {
		return OpenRun(dir, parameters)
	}
	if _, err := os.Stat(filepath.Join(dir, parametersFile)); err == nil {
		if _, err := OpenShared(dir, parameters); err != nil {
			return nil, err
		}
	}
	return OpenRun(t.folder(dir), t.parameters(parameters))
}

// OpenWhole opens the folder of the run, which shares have in common; see [OpenRun].
func (t *Task) OpenWhole(dir string, parameters map[string]any) (*Run, error) {
	if t.Part == OneShare {
		return OpenShared(dir, parameters)
	}
	return OpenRun(dir, parameters)
}

// Collect returns the folders of all shares of the run in dir, finished and as they were left.
// Otherwise the error names all shares that are missing, not finished, of another run or
// number of shares, or there twice. A share is finished by its results.
func (t *Task) Collect(dir string, parameters map[string]any) ([]*Run, error) {
	var runs []*Run
	problems, err := t.others(dir)
	if err != nil {
		return nil, err
	}
	wrong := make([]string, t.Shares)
	for i := range wrong {
		s := Task{Part: OneShare, Share: i, Shares: t.Shares}
		run, problem, err := s.finished(dir, parameters)
		if err != nil {
			return nil, err
		}
		wrong[i] = problem
		runs = append(runs, run)
	}
	problems = append(problems, list(wrong)...)
	if problems != nil {
		return nil, fmt.Errorf("expected %d finished shares in %s, got %s", t.Shares, dir, strings.Join(problems, "; "))
	}
	return runs, nil
}

// list names the shares with what is wrong with them, neighbours together.
func list(wrong []string) (problems []string) {
	for i := 0; i < len(wrong); {
		end := i + 1
		for end < len(wrong) && wrong[end] == wrong[i] {
			end++
		}
		switch {
		case wrong[i] == "":
		case end == i+1:
			problems = append(problems, fmt.Sprintf("share %d %s", i, wrong[i]))
		default:
			problems = append(problems, fmt.Sprintf("shares %d-%d %s", i, end-1, wrong[i]))
		}
		i = end
	}
	return problems
}

// others names the folders of shares of another division.
func (t *Task) others(dir string) (problems []string, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "task-*"))
	for _, name := range names {
		var i, n int
		if _, err := fmt.Sscanf(filepath.Base(name), "task-%d-of-%d", &i, &n); err != nil || n != t.Shares || i < 0 || i >= n {
			problems = append(problems, filepath.Base(name)+", which is foreign")
		}
	}
	return problems, err
}

// finished returns the folder of a share, or says what is wrong with it.
func (t *Task) finished(dir string, parameters map[string]any) (run *Run, problem string, err error) {
	folder := t.folder(dir)
	text, err := os.ReadFile(filepath.Join(folder, parametersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "missing", nil
	}
	if err != nil {
		return nil, "", err
	}
	want := t.parameters(parameters)
	if problem, err := differences(text, want); problem != "" || err != nil {
		return nil, problem, err
	}
	switch run, err = OpenRun(folder, want); {
	case errors.Is(err, errBusy):
		return nil, "not finished", nil
	case err != nil:
		return nil, "", err
	}
	if done, err := run.Has(ResultsFile); !done || err != nil {
		return nil, "not finished", err
	}
	for _, name := range run.Finished() {
		if done, err := run.Has(name); !done || err != nil {
			return nil, "without its " + name, err
		}
	}
	return run, "", nil
}

// differences says in which parameters the content of a file differs from those of a share.
func differences(text []byte, share map[string]any) (string, error) {
	expected, err := json.Marshal(share)
	if err != nil {
		return "", err
	}
	var have, want map[string]any
	if err := json.Unmarshal(expected, &want); err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &have); err != nil {
		return "with a damaged " + parametersFile, nil
	}
	var differ []string
	names := maps.Clone(want)
	maps.Copy(names, have)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !reflect.DeepEqual(have[name], want[name]) {
			differ = append(differ, fmt.Sprintf("%s = %v in place of %v", name, have[name], want[name]))
		}
	}
	switch {
	case len(differ) == 1 && have["task"] != want["task"]:
		return fmt.Sprintf("a duplicate of share %v", have["task"]), nil
	case differ != nil:
		return "foreign, with " + strings.Join(differ, ", "), nil
	}
	return "", nil
}

// Has tells whether point i of a sweep belongs to the process: to the share i mod n of n.
func (t *Task) Has(i int) bool { return t.Part != OneShare || i%t.Shares == t.Share }

// ResultsPaths returns the paths of the results of runs.
func ResultsPaths(runs []*Run) []string {
	paths := make([]string, len(runs))
	for i, r := range runs {
		paths[i] = r.Path(ResultsFile)
	}
	return paths
}
