package proctree

import (
	"strings"

	"webshellscan/scan/event"
)

// derive adds to the facet in c.entries what Sysmon calls by another name than
// the Security log, so that both answer to Sysmon's names: Image, User,
// IntegrityLevel, LogonId, ParentImage.
func (c *Collector) derive(kind Facet) {
	switch kind {
	case FacetImage:
		c.alias(event.Image, event.NewProcessName)
	case FacetParent:
		c.alias(event.ParentImage, event.ParentProcessName)
	case FacetLogon:
		c.deriveUser()
		c.deriveIntegrity()
	}
}

// entry returns the text of a field of the facet in hand.
func (c *Collector) entry(field event.FieldID) TextID {
	for _, e := range c.entries {
		if e.field == field {
			return e.text
		}
	}
	return 0
}

// alias copies the text of one field to another that the facet lacks.
func (c *Collector) alias(to, from event.FieldID) {
	if c.entry(to) != 0 {
		return
	}
	if text := c.entry(from); text != 0 {
		c.entries = append(c.entries, fieldText{to, text})
	}
}

// deriveUser adds the effective user and logon ID of a 4688: the target's where
// the process runs under another logon than its creator, else the subject's
// (Microsoft's description of 4688). A name that is not known is no user.
func (c *Collector) deriveUser() {
	if c.entry(event.User) != 0 {
		return
	}
	name, domain, logon := c.entry(event.TargetUserName), c.entry(event.TargetDomainName), event.TargetLogonID
	if !c.texts.Known(name) {
		name, domain, logon = c.entry(event.SubjectUserName), c.entry(event.SubjectDomainName), event.SubjectLogonID
	}
	c.alias(event.LogonID, logon)
	if !c.texts.Known(name) {
		return
	}
	user := c.texts.Text(name)
	if c.texts.Known(domain) {
		user = c.texts.Text(domain) + `\` + user
	}
	c.entries = append(c.entries, fieldText{event.User, c.texts.InternString(user)})
}

// integrityLevels are the levels of a mandatory label, by SID and as Sysmon
// names them (Microsoft's description of 4688, "Mandatory Label").
var integrityLevels = [...]struct{ sid, name string }{
	{"S-1-16-0", "Untrusted"},
	{"S-1-16-4096", "Low"},
	{"S-1-16-8192", "Medium"},
	{"S-1-16-8448", "MediumPlus"},
	{"S-1-16-12288", "High"},
	{"S-1-16-16384", "System"},
	{"S-1-16-20480", "Protected"},
}

// OtherIntegrityLevel returns the SID of an integrity level that is given by
// name, compared without case, and the name of one that is given by SID; "" for
// what is neither.
func OtherIntegrityLevel(level string) string {
	for _, l := range integrityLevels {
		if strings.EqualFold(level, l.name) {
			return l.sid
		}
		if strings.EqualFold(level, l.sid) {
			return l.name
		}
	}
	return ""
}

// deriveIntegrity adds the integrity level of a 4688 that has a mandatory
// label. Nothing is inferred from the token's elevation: it tells too little.
func (c *Collector) deriveIntegrity() {
	if c.entry(event.IntegrityLevel) != 0 {
		return
	}
	label := c.texts.Text(c.entry(event.MandatoryLabel))
	if level := OtherIntegrityLevel(label); strings.HasPrefix(label, "S-") && level != "" {
		c.entries = append(c.entries, fieldText{event.IntegrityLevel, c.texts.InternString(level)})
	}
}
