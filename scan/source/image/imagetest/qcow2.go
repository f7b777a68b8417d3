package imagetest

import (
	"bytes"
	"encoding/binary"
)

// QCOW2 returns a QCOW2 image of a disk of up to 512 MiB, in clusters of 64 KiB
// with one L2 table, and without those of zeros. What it does not have is of
// the backing file of a name, if one is given (QEMU, docs/interop/qcow2.txt).
func QCOW2(disk []byte, backing string) []byte {
	const bits, cluster, copied = 16, 1 << 16, 1 << 63
	be := binary.BigEndian
	out := make([]byte, 3*cluster)
	copy(out, "QFI\xFB")
	be.PutUint32(out[4:], 3)
	be.PutUint32(out[20:], bits)
	be.PutUint64(out[24:], uint64(len(disk)))
	be.PutUint32(out[36:], 1)
	be.PutUint64(out[40:], cluster)
	be.PutUint32(out[100:], 104)
	if backing != "" {
		be.PutUint64(out[8:], 512)
		be.PutUint32(out[16:], uint32(len(backing)))
		copy(out[512:], backing)
	}
	be.PutUint64(out[cluster:], 2*cluster|copied)
	for i := 0; i*cluster < len(disk); i++ {
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
