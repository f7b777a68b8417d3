package story

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// MaxScript is how much of a script block is shown, in bytes. All of it is
// hashed.
const MaxScript = 64 << 10

// joinedScript returns the record of a script block with all parts of its text
// that were read, in their order. Parts that are missing are marked. The field
// ScriptBlockSHA256 is of the text as it was read.
func joinedScript(first *Record, rest []*Record) *Record {
	parts := append([]*Record{first}, rest...)
	slices.SortStableFunc(parts, func(a, b *Record) int { return cmp.Compare(partNumber(a), partNumber(b)) })
	parts = slices.CompactFunc(parts, func(a, b *Record) bool { return partNumber(a) == partNumber(b) })
	var text strings.Builder
	next := uint64(1)
	for _, p := range parts {
		if n := partNumber(p); n != next && n != 0 {
			text.WriteString("\n[part missing]\n")
		}
		next = partNumber(p) + 1
		text.WriteString(p.Get("ScriptBlockText"))
	}
	joined := *parts[0]
	joined.Fields = slices.Clone(joined.Fields)
	sum := sha256.Sum256([]byte(text.String()))
	for i := range joined.Fields {
		if strings.EqualFold(joined.Fields[i].Name, "ScriptBlockText") {
			joined.Fields[i].Value = clip(text.String(), MaxScript)
		}
	}
	joined.Fields = append(joined.Fields, Field{"ScriptBlockSHA256", hex.EncodeToString(sum[:])})
	return &joined
}

// partNumber returns which part of its script a record holds, from 1.
func partNumber(r *Record) uint64 {
	n, _ := number(r.Get("MessageNumber"))
	return n
}
