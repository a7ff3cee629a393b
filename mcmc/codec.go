package mcmc

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

var errShort = errors.New("mcmc: expected more bytes of saved state")

// The state of chains and kernels is little-endian: 64-bit words, and byte
// strings with their length in front.

func putUint(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func putFloat(b []byte, v float64) []byte { return putUint(b, math.Float64bits(v)) }

func putBytes(b, v []byte) []byte { return append(putUint(b, uint64(len(v))), v...) }

func putFloats(b []byte, v []float64) []byte {
	b = slices.Grow(putUint(b, uint64(len(v))), 8*len(v))
	for _, x := range v {
		b = putFloat(b, x)
	}
	return b
}

// decoder reads what the put functions wrote. After running out of bytes it
// returns zeros and keeps the error.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.err, d.b = errShort, nil
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) uint() uint64 {
	v := d.take(8)
	if v == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(v)
}

func (d *decoder) float() float64 { return math.Float64frombits(d.uint()) }

func (d *decoder) bytes() []byte { return d.take(d.uint()) }

func (d *decoder) floats() []float64 {
	n := d.uint()
	if n > uint64(len(d.b))/8 {
		d.err, d.b = errShort, nil
		return nil
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = d.float()
	}
	return v
}

// finish returns the error of the reads, or an error if bytes are left over.
func (d *decoder) finish() error {
	if d.err == nil && len(d.b) != 0 {
		d.err = errors.New("mcmc: expected no more bytes of saved state")
	}
	return d.err
}
