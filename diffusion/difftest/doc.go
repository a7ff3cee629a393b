// Package difftest checks what every network, every score model and every scheme of the
// reverse process must satisfy, as testing/fstest does for file systems. A test of a
// network of one's own is one call:
//
//	func TestNetwork(t *testing.T) {
//		difftest.TestNetwork(t, backend, network, difftest.Config{
//			Layout: layout, Symmetries: &symmetries,
//		})
//	}
//
// Functions are compared in float64, so that bounds are close to rounding.
package difftest
