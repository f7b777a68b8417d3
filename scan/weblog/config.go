package weblog

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Config is what applicationHost.config says of the sites of an IIS.
type Config struct{ Sites []Site }

// Site is a site of IIS.
type Site struct {
	// ID is its number, as in the folder W3SVC<ID> of its logs; Name its
	// name.
	ID, Name string
	// Hosts are the host names of its bindings.
	Hosts []string
	// Pools are the application pools of its applications, by their path in
	// lower case.
	Pools map[string]string
	// LogFolder is where its logs are, "" if the configuration does not
	// say.
	LogFolder string
	// Roots are the folders that its virtual directories show, in lower
	// case and without a separator at their end. Whole drives are left out,
	// and what is longer than MaxRoot.
	Roots []string
}

// PoolOf returns the pool of the application that a path belongs to.
func (s *Site) PoolOf(path string) string {
	path = strings.ToLower(path)
	best, pool := -1, ""
	for prefix, p := range s.Pools {
		inside := prefix == "/" || path == prefix || strings.HasPrefix(path, prefix+"/")
		if inside && len(prefix) > best {
			best, pool = len(prefix), p
		}
	}
	return pool
}

// Bounds of a configuration. Real ones have some hundred sites.
const (
	maxConfig   = 64 << 20 // bytes
	maxSites    = 10_000
	maxElements = 1_000_000
	defaultPool = "DefaultAppPool"
)

// MaxRoot bounds the bytes of a folder that a site shows. IIS takes paths of
// some 260 characters.
const MaxRoot = 1024

// ReadConfig reads an applicationHost.config: the section
// system.applicationHost/sites (Microsoft, "IIS Configuration Reference",
// sites). Errors in it cost what follows; the sites before are returned with
// the error.
func ReadConfig(text io.Reader) (*Config, error) {
	d := xml.NewDecoder(io.LimitReader(text, maxConfig))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	c := new(Config)
	b := configBuilder{config: c, pool: defaultPool}
	for range maxElements {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			b.finish()
			return c, nil
		}
		if err != nil {
			b.finish()
			return c, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			b.start(t)
		case xml.EndElement:
			if t.Name.Local == "site" {
				b.site = nil
			}
		}
	}
	b.finish()
	return c, errors.New("more elements than a configuration has")
}

// configBuilder makes a Config of elements.
type configBuilder struct {
	config *Config
	site   *Site
	pool   string // of applications that name none
}

// start handles the beginning of an element.
func (b *configBuilder) start(e xml.StartElement) {
	get := func(name string) string {
		for _, a := range e.Attr {
			if strings.EqualFold(a.Name.Local, name) {
				return a.Value
			}
		}
		return ""
	}
	switch {
	case e.Name.Local == "site" && len(b.config.Sites) < maxSites:
		b.config.Sites = append(b.config.Sites, Site{ID: get("id"), Name: get("name"), Pools: make(map[string]string)})
		b.site = &b.config.Sites[len(b.config.Sites)-1]
	case e.Name.Local == "applicationDefaults" && b.site == nil:
		if pool := get("applicationPool"); pool != "" {
			b.pool = pool
		}
	case b.site == nil:
	case e.Name.Local == "application":
		b.site.Pools[strings.ToLower(get("path"))] = get("applicationPool")
	case e.Name.Local == "binding":
		information := get("bindingInformation")
		if host := information[strings.LastIndexByte(information, ':')+1:]; host != "" {
			b.site.Hosts = append(b.site.Hosts, strings.ToLower(host))
		}
	case e.Name.Local == "logFile":
		b.site.LogFolder = get("directory")
	case e.Name.Local == "virtualDirectory":
		if root := webRoot(get("physicalPath")); root != "" {
			b.site.Roots = append(b.site.Roots, root)
		}
	}
}

// variables are those of the environment that paths in configurations begin
// with, in lower case, and what they are where Windows is as a rule.
var variables = strings.NewReplacer("%systemdrive%", "c:", "%systemroot%", `c:\windows`, "%windir%", `c:\windows`, "/", `\`)

// webRoot returns a path as Site.Roots has it, "" if it is no folder of a drive
// or of a share.
func webRoot(path string) string {
	path = strings.TrimRight(variables.Replace(strings.ToLower(strings.TrimSpace(path))), `\`)
	if len(path) > MaxRoot || !strings.Contains(path, `\`) || strings.Contains(path, "%") {
		return ""
	}
	return path
}

// finish sets the default pool of applications that name none.
func (b *configBuilder) finish() {
	for i := range b.config.Sites {
		for path, pool := range b.config.Sites[i].Pools {
			if pool == "" {
				b.config.Sites[i].Pools[path] = b.pool
			}
		}
	}
}
