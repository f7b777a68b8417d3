package event

// What a log begins with, and each of its chunks ([MS-EVEN6] says nothing of
// it; libyal, "Windows XML Event Log (EVTX) format", sections 2 and 3).
const (
	FileSignature  = "ElfFile\x00"
	ChunkSignature = "ElfChnk\x00"
)

// IsLog reports whether a file whose first bytes, at least 8, are given begins
// as a log or as a chunk of one.
func IsLog(head []byte) bool {
	const n = len(FileSignature)
	return len(head) >= n && (string(head[:n]) == FileSignature || string(head[:n]) == ChunkSignature)
}
