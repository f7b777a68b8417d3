package imagetest

import (
	"bytes"
	"encoding/binary"
)

// SparseVMDK returns a monolithic sparse VMDK of a disk, in grains of 8
// sectors.
func SparseVMDK(disk []byte) []byte {
	const sector, grain, perTable = 512, 8 * 512, 512
	le := binary.LittleEndian
	grains := (len(disk) + grain - 1) / grain
	tables := (grains + perTable - 1) / perTable
	out := make([]byte, (1+1+tables*4)*sector) // header, directory, tables
	copy(out, "KDMV\x01\x00\x00\x00")
	le.PutUint64(out[12:], uint64(len(disk)/sector))
	le.PutUint64(out[20:], grain/sector)
	le.PutUint32(out[44:], perTable)
	le.PutUint64(out[56:], 1)
	for i := range tables {
		le.PutUint32(out[sector+4*i:], uint32(2+4*i))
	}
	for i := range grains {
		part := make([]byte, grain)
		copy(part, disk[i*grain:])
		if !bytes.Equal(part, make([]byte, grain)) {
			le.PutUint32(out[2*sector+4*i:], uint32(len(out)/sector))
			out = append(out, part...)
		}
	}
	return out
}
