package proctree

import "strings"

// images compares image paths of one host. It remembers what it found out by
// the numbers of the texts.
type images struct {
	texts *Texts
	bases map[TextID]string  // file names in lower case
	same  map[[2]TextID]bool // of pairs whose numbers differ
}

func newImages(texts *Texts) *images {
	return &images{texts: texts, bases: make(map[TextID]string), same: make(map[[2]TextID]bool)}
}

// Known reports whether a text is a value: it is there, and is none of those
// that stand for a value that is not known.
func (t *Texts) Known(id TextID) bool { return id != 0 && IsKnown(t.Text(id)) }

// KnownText returns a text, "" if it is not Known.
func (t *Texts) KnownText(id TextID) string {
	if text := t.Text(id); IsKnown(text) {
		return text
	}
	return ""
}

// IsKnown is Known for a text without a number. Where a value is not known, the
// Security log has "-", Sysmon "-", "?", "<unknown process>" or nothing, and
// exports that went through a database "NULL".
func IsKnown(text string) bool {
	const longest = 32 // of those that say nothing, with some room
	if len(text) > longest {
		return true
	}
	return text != "" && text != "-" && text != "?" && text != "NULL" && !(strings.HasPrefix(text, "<unknown") && strings.HasSuffix(text, ">"))
}

// base returns the file name of an image path, in lower case.
func (m *images) base(id TextID) string {
	base, ok := m.bases[id]
	if !ok {
		base = BaseName(m.texts.Text(id))
		m.bases[id] = base
	}
	return base
}

// BaseName returns the file name of a Windows path, in lower case.
func BaseName(path string) string {
	return strings.ToLower(path[strings.LastIndexAny(path, `\/`)+1:])
}

// agree reports whether nothing contradicts that two images are one file: they
// match, or one of them is not known, which is 0.
func (m *images) agree(a, b TextID) bool { return a == 0 || b == 0 || m.match(a, b) }

// match reports whether two images may be one file: they have the same file
// name, or one of them in its 8.3 form. Folders are not compared: logs write
// them in several ways (8.3, device paths, links).
func (m *images) match(a, b TextID) bool {
	if a == b {
		return true
	}
	key := [2]TextID{min(a, b), max(a, b)}
	same, ok := m.same[key]
	if !ok {
		x, y := m.base(a), m.base(b)
		same = x == y || isShortName(x, y) || isShortName(y, x)
		m.same[key] = same
	}
	return same
}

// withoutSpaces drops what an 8.3 name leaves out.
var withoutSpaces = strings.NewReplacer(" ", "", ".", "")

// isShortName reports whether short may be the 8.3 form of the file name long:
// the first letters of the name without spaces and dots, a tilde and a number,
// and the first three letters of the extension ([MS-FSCC] 2.1.5.2.1).
func isShortName(short, long string) bool {
	name, ext, _ := strings.Cut(short, ".")
	stem, number, ok := strings.Cut(name, "~")
	if !ok || len(name) > 8 || len(ext) > 3 || number == "" || strings.Trim(number, "0123456789") != "" {
		return false
	}
	longName, longExt := long, ""
	if i := strings.LastIndexByte(long, '.'); i >= 0 {
		longName, longExt = long[:i], long[i+1:]
	}
	longName = withoutSpaces.Replace(longName)
	return strings.HasPrefix(longName, stem) && strings.HasPrefix(longExt, ext) && (len(ext) == 3 || ext == longExt)
}
