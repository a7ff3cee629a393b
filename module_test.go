package latdiff_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exampleBody returns the lines of the function of the whole road.
func exampleBody(t *testing.T, source string) string {
	t.Helper()
	_, body, found := strings.Cut(source, "func Example() {\n")
	body, _, ended := strings.Cut(body, "\t// Output:")
	if !found || !ended {
		t.Fatal("the example is not where this test looks for it")
	}
	return body
}

// The example, copied into a module of its own that knows this one by a replace line,
// builds and runs there: it needs nothing that is internal.
func TestExampleInFreshModule(t *testing.T) {
	source := read(t, "example_test.go")
	dir, root := t.TempDir(), must(filepath.Abs("."))
	program := strings.Replace(source, "package latdiff_test", "package main", 1)
	program = strings.Replace(program, "func Example() {", "func main() {", 1)
	// The versions of all dependencies are those of this module.
	module := strings.Replace(read(t, "go.mod"), "module github.com/latdiff/latdiff", "module example.org/road", 1)
	module += "\nrequire github.com/latdiff/latdiff v0.0.0\n\nreplace github.com/latdiff/latdiff => " + root + "\n"
	for name, text := range map[string]string{"main.go": program, "go.mod": module, "go.sum": read(t, "go.sum")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("go", "run", "-mod=mod", ".")
	run.Dir = dir
	run.Env = append(os.Environ(), "GOWORK=off")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, want, _ := strings.Cut(source, "\t// Output:\n")
	for line := range strings.Lines(want) {
		if line, ok := strings.CutPrefix(line, "\t// "); ok && !strings.Contains(string(out), strings.TrimSpace(line)) {
			t.Errorf("expected the line %q, got\n%s", strings.TrimSpace(line), out)
		}
	}
}

// The road in the README is the example that the tests run.
func TestReadmeRoad(t *testing.T) {
	body := strings.TrimRight(strings.ReplaceAll(exampleBody(t, read(t, "example_test.go")), "\n\t", "\n"), "\n\t")
	if !strings.Contains(read(t, "README.md"), strings.TrimPrefix(body, "\t")) {
		t.Error("the README does not hold the body of the example, line by line")
	}
}

// The action on the page about theories of one's own is the one that the tests run.
func TestPageAboutTheories(t *testing.T) {
	source := read(t, "theory_test.go")
	_, code, _ := strings.Cut(source, "// sineGordon is the massive")
	code, _, found := strings.Cut(code, "\n// hop shifts")
	if !found || !strings.Contains(read(t, "docs/your-theory.md"), strings.TrimSpace(code)) {
		t.Error("docs/your-theory.md does not hold the action of theory_test.go")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every name that the package comment points to exists.
func TestMapOfTheLibrary(t *testing.T) {
	comment, _, _ := strings.Cut(read(t, "doc.go"), "\npackage latdiff")
	names := regexp.MustCompile(`\b(lattice|stats|mcmc|hmc|diffusion|unet|hollow|flow)\.([A-Z]\w+)`).FindAllStringSubmatch(comment, -1)
	if len(names) < 20 {
		t.Fatalf("found %d names only", len(names))
	}
	for _, n := range names {
		set := token.NewFileSet()
		files, err := filepath.Glob(filepath.Join(n[1], "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, name := range files {
			file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			found = found || declares(file, n[2])
		}
		if !found {
			t.Errorf("doc.go names %s.%s, which does not exist", n[1], n[2])
		}
	}
}

// declares reports whether a file declares a function, type, variable or constant.
func declares(file *ast.File, name string) bool {
	found := false
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			found = found || d.Recv == nil && d.Name.Name == name
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					found = found || s.Name.Name == name
				case *ast.ValueSpec:
					for _, v := range s.Names {
						found = found || v.Name == name
					}
				}
			}
		}
	}
	return found
}
