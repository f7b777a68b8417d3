package scan

import (
	"slices"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// The second fields that rules ask when they ask for a field of which there are
// two truths: two logs that name themselves, or two spellings. They cost only
// what asks for them.
const (
	alsoEventID   = "event id of the other log"
	alsoChannel   = "channel of the other log"
	alsoProvider  = "provider of the other log"
	alsoVersion   = "version of the other log"
	alsoPID       = "process id after 0x"
	alsoParentPID = "parent process id after 0x"
	alsoIntegrity = "integrity level by sid or name"
)

// alsoFields are the second fields, by the name in lower case of the first.
var alsoFields = map[string]string{
	"eventid": alsoEventID, "channel": alsoChannel, "provider_name": alsoProvider, "version": alsoVersion,
	"processid": alsoPID, "newprocessid": alsoPID, "parentprocessid": alsoParentPID,
	"integritylevel": alsoIntegrity,
}

// alsoFacets are the fields of the facets that alone decide what the second
// ones have.
var alsoFacets = map[string]event.FieldID{
	alsoEventID: event.EventID, alsoChannel: event.Channel, alsoProvider: event.ProviderName, alsoVersion: event.Version,
	alsoIntegrity: event.IntegrityLevel,
}

// alsoGetters give the values of the second fields.
var alsoGetters = map[string]getter{
	alsoEventID: ofOtherLog(event.EventID), alsoChannel: ofOtherLog(event.Channel),
	alsoProvider: ofOtherLog(event.ProviderName), alsoVersion: ofOtherLog(event.Version),
	alsoPID:       func(s *subject, dst []rules.ValueID) []rules.ValueID { return hexNumber(dst, s.process.PID()) },
	alsoParentPID: func(s *subject, dst []rules.ValueID) []rules.ValueID { return hexNumber(dst, s.process.ParentPID()) },
	alsoIntegrity: otherIntegrity,
}

// ofOtherLog returns a getter of what the records of a process have for a field
// beyond what the first has: where both Sysmon and the Security log have a
// process, what the latter has.
func ofOtherLog(field event.FieldID) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		first, before := s.fields.Field(s.process, field), len(dst)
		for r := range s.process.Records() {
			id := r.Field(field)
			if id != first && !slices.Contains(dst[before:], rules.ValueID(id)) {
				dst = appendText(dst, id)
			}
		}
		return dst
	}
}

// hexNumber appends a number as the Security log writes it, unless it is 0,
// which stands for an unknown one.
func hexNumber(dst []rules.ValueID, n uint32) []rules.ValueID {
	if n == 0 {
		return dst
	}
	return append(dst, valueHex|rules.ValueID(n))
}

// otherIntegrity appends the SID of an integrity level that is there by name,
// and the name of one that is there by SID.
func otherIntegrity(s *subject, dst []rules.ValueID) []rules.ValueID {
	level := s.fields.Field(s.process, event.IntegrityLevel)
	if level == 0 {
		return dst
	}
	other, ok := s.levels[level]
	if !ok {
		if name := proctree.OtherIntegrityLevel(s.texts.Text(level)); name != "" {
			other = s.texts.InternString(name)
		}
		s.levels[level] = other
	}
	return appendText(dst, other)
}
