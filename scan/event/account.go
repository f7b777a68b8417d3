package event

import (
	"crypto/sha1" //nolint:gosec // Windows makes SIDs by it
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The domains of virtual accounts, each of which belongs to one application
// pool or service, and what their SIDs begin with. They are the same in every
// language (Microsoft, "Application Pool Identities" and "Service Accounts").
const (
	poolDomain    = `IIS APPPOOL\`
	serviceDomain = `NT SERVICE\`
	poolSID       = "S-1-5-82-"
	serviceSID    = "S-1-5-80-"
)

// IsVirtualAccount reports whether an account, as DOMAIN\name or a SID, is the
// identity of an application pool or the virtual account of a service.
func IsVirtualAccount(account string) bool {
	for _, prefix := range []string{poolDomain, serviceDomain, poolSID, serviceSID} {
		if _, ok := cutPrefixFold(account, prefix); ok {
			return true
		}
	}
	return false
}

// IsPoolIdentity reports whether an account, as DOMAIN\name or a SID, is the
// identity of an application pool.
func IsPoolIdentity(account string) bool {
	_, isSID := cutPrefixFold(account, poolSID)
	return isSID || PoolOf(account) != ""
}

// PoolOf returns the application pool whose identity an account is, "" if it is
// another or given as a SID, which does not name the pool.
func PoolOf(account string) string {
	pool, _ := cutPrefixFold(account, poolDomain)
	return pool
}

// PoolAccount returns the name of an application pool's identity.
func PoolAccount(pool string) string { return poolDomain + pool }

// PoolSID returns the SID of an application pool's identity: S-1-5-82- and the
// SHA-1 of the pool's name in lower case, as UTF-16LE, in five little-endian
// numbers of 32 bits.
func PoolSID(pool string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(strings.ToLower(pool))) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	sum := sha1.Sum(b) //nolint:gosec // as above
	var parts []string
	for i := 0; i < len(sum); i += 4 {
		parts = append(parts, strconv.FormatUint(uint64(binary.LittleEndian.Uint32(sum[i:])), 10))
	}
	return poolSID + strings.Join(parts, "-")
}

// cutPrefixFold returns what follows an ASCII prefix in any case, and whether
// that is anything.
func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
		return text[len(prefix):], true
	}
	return "", false
}
