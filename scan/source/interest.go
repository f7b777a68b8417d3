package source

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// KindServerConfig is the configuration of a web server or of a site.
var KindServerConfig = Kind{"a configuration of a web server", ClassArtifact}

// OfInterest asks for all that an investigation of a web server wants beside event
// logs: logs of web servers and what configures them.
func OfInterest() []Wanted {
	return []Wanted{AppHostConfig(), {KindServerConfig, isServerConfig}, {KindWebLog, beginsAsWebLog}}
}

// serverConfigs are the names of configurations, in lower case, and what one of
// their first bytes must have.
var serverConfigs = map[string]string{
	"administration.config": "<configuration", "web.config": "<configuration",
	"httpd.conf": "", "nginx.conf": "", "server.xml": "<Server",
}

// isServerConfig reports whether a file is called as configurations of web servers
// are, and looks like one.
func isServerConfig(prefix []byte, name string) bool {
	content, ok := serverConfigs[strings.ToLower(path.Base(name))]
	return ok && looksLikeText(bytes.TrimPrefix(prefix, []byte("\xEF\xBB\xBF"))) && bytes.Contains(prefix, []byte(content))
}

// commonLog matches the start of a line of the common log format, with or without
// the virtual host before it.
var commonLog = regexp.MustCompile(`^\S+ (\S+ )?\S+ [^\[\]]{1,64} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "`)

// beginsAsWebLog reports whether a file begins as logs of IIS, HTTP.sys, Exchange,
// Apache, nginx and Tomcat do.
func beginsAsWebLog(prefix []byte, _ string) bool {
	prefix = bytes.TrimPrefix(prefix, []byte("\xEF\xBB\xBF"))
	if commonLog.Match(prefix) {
		return true
	}
	for line := range bytes.Lines(prefix) {
		if line[0] != '#' {
			break
		}
		if bytes.HasPrefix(line, []byte("#Fields:")) {
			return bytes.Contains(line, []byte("cs-uri")) || bytes.Contains(line, []byte("date"))
		}
	}
	return bytes.HasPrefix(prefix, []byte("DateTime,")) && bytes.Contains(prefix, []byte("\n#Fields:"))
}
