package scan

import (
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// getter appends the values of one field of a process.
type getter func(s *subject, dst []rules.ValueID) []rules.ValueID

// lateFields are the fields, by name in lower case, whose values hardly repeat,
// and those that take a subject long to gather.
var lateFields = map[string]bool{
	"commandline": true, "parentcommandline": true, "grandparentcommandline": true, "ancestorcommandline": true,
	"workercommandline": true, "currentdirectory": true, "ancestorimage": true, "ancestoruser": true,
	"hashes": true, "md5": true, "sha1": true, "sha256": true, "imphash": true,
	"processid": true, "parentprocessid": true, "processguid": true, "parentprocessguid": true, "utctime": true,
	"logonid": true, "logonguid": true, "depth": true,
	"parentuser": true, "grandparentimage": true, "grandparentuser": true, "workerimage": true, "workeruser": true,
	"imagename": true, "elevation": true, "seenbelow": true, "findingbelow": true, "webroot": true,
}

// getters holds the fields that are no plain fields of a record, by name in
// lower case.
var getters = map[string]getter{
	"":            allValues,
	"commandline": func(s *subject, dst []rules.ValueID) []rules.ValueID { return appendText(dst, s.process.CommandLine()) },
	"processid": func(s *subject, dst []rules.ValueID) []rules.ValueID {
		return appendNumber(dst, uint64(s.process.PID()))
	},
	"parentprocessid": func(s *subject, dst []rules.ValueID) []rules.ValueID {
		return appendNumber(dst, uint64(s.process.ParentPID()))
	},
	"newprocessid": func(s *subject, dst []rules.ValueID) []rules.ValueID {
		return appendNumber(dst, uint64(s.process.PID()))
	},
	"processguid":            processGUID,
	"parentprocessguid":      parentGUID,
	"utctime":                startTime,
	"parentimage":            parentImage,
	"parentcommandline":      parentCommandLine,
	"parentuser":             parentUser,
	"grandparentimage":       grandParent(ownImage),
	"grandparentcommandline": grandParent(ownLine),
	"grandparentuser":        grandParent(ownUser),
	"ancestorimage":          ancestors(ownImage),
	"ancestorcommandline":    ancestors(ownLine),
	"ancestoruser":           ancestors(ownUser),
	"childimage":             children(ownImage),
	"childcommandline":       children(ownLine),
	"childuser":              children(ownUser),
	"childlogonid":           children(ownLogon),
	"grandchildimage":        grandChildren(ownImage),
	"workerimage":            workerImage,
	"workercommandline":      ofWebServer(ownLine),
	"workeruser":             ofWebServer(ownUser),
	"workerprocessid":        workerPID,
	"workerrole":             workerRole,
	"workercertainty":        workerCertainty,
	"workerproduct":          workerProduct,
	"session":                inSession,
	"depth":                  belowWorker,
	"applicationpool":        poolField,
	"commandtext":            commandText,
	"imagename":              imageName,
	"elevation":              elevated,
	"findingbelow":           findingBelow,
	"webroot":                inWebRoot,
	"seenbelow":              seenBelow,
	"md5":                    hashField(func(h sysmonHashes) proctree.TextID { return h.md5 }),
	"sha1":                   hashField(func(h sysmonHashes) proctree.TextID { return h.sha1 }),
	"sha256":                 hashField(func(h sysmonHashes) proctree.TextID { return h.sha256 }),
	"imphash":                hashField(func(h sysmonHashes) proctree.TextID { return h.imphash }),
}

// getterOf returns the getter of a field name. A field that no process has is
// absent from every process.
func getterOf(name string) getter {
	if g := knownGetter(name); g != nil {
		return g
	}
	return func(_ *subject, dst []rules.ValueID) []rules.ValueID { return dst }
}

// knownGetter returns the getter of a field name, nil if no process has such a
// field.
func knownGetter(name string) getter {
	lower := strings.ToLower(name)
	if g, ok := getters[lower]; ok {
		return g
	}
	if g, ok := alsoGetters[lower]; ok {
		return g
	}
	if g := levelGetter(lower); g != nil {
		return g
	}
	if id := fieldOf(lower); id != event.FieldNone {
		return func(s *subject, dst []rules.ValueID) []rules.ValueID {
			return appendText(dst, s.fields.Field(s.process, id))
		}
	}
	return nil
}

// fieldOf returns the field of process records that goes by a name, compared
// without case, FieldNone if there is none.
func fieldOf(name string) event.FieldID {
	for id := event.FieldNone + 1; int(id) < event.NumFields; id++ {
		if id.OfProcess() && strings.EqualFold(id.String(), name) {
			return id
		}
	}
	return event.FieldNone
}

// appendText appends a text unless it is absent.
func appendText(dst []rules.ValueID, id proctree.TextID) []rules.ValueID {
	if id == 0 {
		return dst
	}
	return append(dst, rules.ValueID(id))
}

// appendNumber appends a number unless it is 0, which stands for an unknown
// one.
func appendNumber(dst []rules.ValueID, n uint64) []rules.ValueID {
	if n == 0 {
		return dst
	}
	return append(dst, valueNumber|rules.ValueID(n))
}

func processGUID(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.process.GUID().IsZero() {
		return dst
	}
	return append(dst, valueGUID)
}

func parentGUID(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.process.ParentGUID().IsZero() {
		return dst
	}
	return append(dst, valueParentGUID)
}

func startTime(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.process.Start() == 0 {
		return dst
	}
	return append(dst, valueTime)
}

// parents returns what the process's own records have of its parent, if that is
// known, else what the parent's have.
func (s *subject) parents(field event.FieldID, of valueOf) proctree.TextID {
	if own := s.fields.Known(s.process, field); own != 0 {
		return own
	}
	if parent, _ := s.process.Parent(); parent.Exists() {
		return of(s, parent)
	}
	return 0
}

func parentImage(s *subject, dst []rules.ValueID) []rules.ValueID {
	return appendText(dst, s.parents(event.ParentImage, ownImage))
}

func parentCommandLine(s *subject, dst []rules.ValueID) []rules.ValueID {
	return appendText(dst, s.parents(event.ParentCommandLine, ownLine))
}

func parentUser(s *subject, dst []rules.ValueID) []rules.ValueID {
	return appendText(dst, s.parents(event.ParentUser, ownUser))
}

// valueOf returns one value of a process, which need not be the one in hand.
type valueOf func(s *subject, p proctree.Process) proctree.TextID

func ownImage(_ *subject, p proctree.Process) proctree.TextID { return p.Image() }

func ownLine(_ *subject, p proctree.Process) proctree.TextID { return p.CommandLine() }

func ownUser(s *subject, p proctree.Process) proctree.TextID { return s.fields.Field(p, event.User) }

func ownLogon(s *subject, p proctree.Process) proctree.TextID {
	return s.fields.Field(p, event.LogonID)
}

func grandParent(of valueOf) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		if parent, _ := s.process.Parent(); parent.Exists() {
			if grand, _ := parent.Parent(); grand.Exists() {
				return appendText(dst, of(s, grand))
			}
		}
		return dst
	}
}

// maxAncestors bounds how far up ancestors are looked at. Chains of real logs
// have a dozen links.
const maxAncestors = 256

func ancestors(of valueOf) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		p, _ := s.process.Parent()
		for range maxAncestors {
			if !p.Exists() {
				break
			}
			dst = appendText(dst, of(s, p))
			p, _ = p.Parent()
		}
		return dst
	}
}

func inSession(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.servers.workerOf(s.process).Exists() {
		return append(dst, valueSession)
	}
	return dst
}

func belowWorker(s *subject, dst []rules.ValueID) []rules.ValueID {
	return appendNumber(dst, uint64(s.servers.depth(s.process)))
}

// webRoot returns the folder of a site around the image of the process in hand,
// "" if there is none.
func (s *subject) webRoot() string {
	if s.servers == nil || s.servers.webRoot == nil {
		return ""
	}
	return s.servers.webRoot(s.process.HostIndex(), s.texts.KnownText(s.process.Image()))
}

func inWebRoot(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.webRoot() == "" {
		return dst
	}
	return append(dst, valueWebRoot)
}

// maxChildren bounds how many children are looked at: what a server starts
// first shows what it is.
const maxChildren = 64

// maxGrandChildren bounds how many children of each child are looked at. A
// shell mostly starts one or two programs.
const maxGrandChildren = 8

func children(of valueOf) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		child := s.process.FirstChild()
		for n := 0; n < maxChildren && child.Exists(); n++ {
			dst = appendText(dst, of(s, child))
			child = child.NextSibling()
		}
		return dst
	}
}

// grandChildren appends what the first children of the first children have, so
// many of each.
func grandChildren(of valueOf) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		child := s.process.FirstChild()
		for n := 0; n < maxChildren && child.Exists(); n++ {
			grand := child.FirstChild()
			for m := 0; m < maxGrandChildren && grand.Exists(); m++ {
				dst = appendText(dst, of(s, grand))
				grand = grand.NextSibling()
			}
			child = child.NextSibling()
		}
		return dst
	}
}

// commandText appends the command line, as cmd.exe reads it where that is
// another text, and each text that it hides in Base64.
func commandText(s *subject, dst []rules.ValueID) []rules.ValueID {
	line := s.process.CommandLine()
	if line == 0 {
		return dst
	}
	c := s.command(line)
	if c.texts == nil {
		c.texts = append(c.texts, line)
		if plain := plainCommand(c.Line); plain != c.Line {
			c.texts = append(c.texts, s.texts.InternString(plain))
		}
		for decoded := range strings.FieldsFuncSeq(c.Decoded, func(r rune) bool { return r == '\n' }) {
			c.texts = append(c.texts, s.texts.InternString(decoded))
		}
	}
	for _, id := range c.texts {
		dst = appendText(dst, id)
	}
	return dst
}

// plainCommand returns a command line without what cmd.exe removes from words
// before it reads them: carets, and quotes around nothing.
func plainCommand(line string) string {
	if !strings.ContainsAny(line, `^"`) {
		return line
	}
	return strings.ReplaceAll(strings.ReplaceAll(line, "^", ""), `""`, "")
}

// allValues appends the values of all fields of a process's own records, for
// keywords.
func allValues(s *subject, dst []rules.ValueID) []rules.ValueID {
	for r := range s.process.Records() {
		for _, facet := range r.Facets() {
			dst = append(dst, valueFacet|rules.ValueID(facet))
		}
		dst = appendText(dst, r.Field(event.CommandLine))
		dst = appendText(dst, r.Field(event.CurrentDirectory))
		dst = appendNumber(dst, uint64(r.PID()))
		dst = appendNumber(dst, uint64(r.ParentPID()))
	}
	return dst
}

// sysmonHashes are the parts of Sysmon's field Hashes.
type sysmonHashes struct{ md5, sha1, sha256, imphash proctree.TextID }

func hashField(of func(sysmonHashes) proctree.TextID) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		all := s.fields.Field(s.process, event.Hashes)
		if all == 0 {
			return dst
		}
		h, ok := s.hashes[all]
		if !ok {
			h = s.splitHashes(s.texts.Text(all))
			s.hashes[all] = h
		}
		return appendText(dst, of(h))
	}
}

// splitHashes reads a list such as "SHA1=…,MD5=…,IMPHASH=…".
func (s *subject) splitHashes(list string) sysmonHashes {
	var h sysmonHashes
	for part := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(part, "=")
		id := s.texts.InternString(value)
		switch strings.ToUpper(name) {
		case "MD5":
			h.md5 = id
		case "SHA1":
			h.sha1 = id
		case "SHA256":
			h.sha256 = id
		case "IMPHASH":
			h.imphash = id
		}
	}
	return h
}
