package imagetest

import (
	"bytes"
	"encoding/binary"
)

// QCOW2 returns a QCOW2 image of a disk of up to 1 GiB, in clusters of 4,096
// bytes and without those of zeros. What it does not have is of the backing
// file of a name, if one is given (QEMU, docs/interop/qcow2.txt).
func QCOW2(disk []byte, backing string) []byte {
	const bits, cluster, perTable, copied = 12, 4096, 4096 / 8, 1 << 63
	be := binary.BigEndian
	clusters := (len(disk) + cluster - 1) / cluster
	tables := (clusters + perTable - 1) / perTable
	out := make([]byte, (2+tables)*cluster)
	copy(out, "QFI\xFB")
	be.PutUint32(out[4:], 3)
	be.PutUint32(out[20:], bits)
	be.PutUint64(out[24:], uint64(len(disk)))
	be.PutUint32(out[36:], uint32(tables))
	be.PutUint64(out[40:], cluster)
	be.PutUint32(out[100:], 104)
	if backing != "" {
		be.PutUint64(out[8:], 512)
		be.PutUint32(out[16:], uint32(len(backing)))
		copy(out[512:], backing)
	}
	for i := range tables {
		be.PutUint64(out[cluster+8*i:], uint64(2+i)*cluster|copied)
	}
	for i := range clusters {
		part := disk[i*cluster : min((i+1)*cluster, len(disk))]
		if len(bytes.Trim(part, "\x00")) == 0 {
			continue
		}
		be.PutUint64(out[2*cluster+8*i:], uint64(len(out))|copied)
		out = append(out, make([]byte, cluster)...)
		copy(out[len(out)-cluster:], part)
	}
	return out
}
