// Package export writes the series that an example program measured for other people's
// programs.
package export

import (
	"io"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/stats/interchange"
)

// File holds all series, for pyerrors.
const File = "series.json.gz"

// Folder returns the name of the folder with the series of one ensemble, for ArviZ.
func Folder(ensemble string) string { return "series-" + ensemble + ".zarr" }

// Usage is that of the flag -export.
const Usage = "write the measured series too: " + File + " for pyerrors, series-NAME.zarr for ArviZ"

// Save writes the series of all ensembles.
func Save(folder *program.Run, description string, ensembles ...interchange.Ensemble) error {
	err := atomicfile.Write(folder.Path(File), func(w io.Writer) error {
		return interchange.WritePyerrors(w, description, ensembles...)
	})
	if err != nil {
		return err
	}
	for _, e := range ensembles {
		if err := interchange.WriteInferenceData(folder.Path(Folder(e.Name)), description, e); err != nil {
			return err
		}
	}
	return nil
}
