package source

import (
	"bytes"
	"path"
	"strings"
)

// KindServerConfig is the configuration of a web server or of a site.
var KindServerConfig = Kind{"a configuration of a web server", ClassArtifact}

// ServerConfigs asks for what configures web servers.
func ServerConfigs() []Wanted { return []Wanted{AppHostConfig(), {KindServerConfig, isServerConfig}} }

// serverConfigs are the names of configurations, in lower case, and what one of
// their first bytes must have.
var serverConfigs = map[string]string{
	"administration.config": "<configuration", "web.config": "<configuration",
	"httpd.conf": "", "nginx.conf": "", "server.xml": "<Server",
}

// isServerConfig reports whether a file is called as configurations of web
// servers are, and looks like one.
func isServerConfig(prefix []byte, name string) bool {
	mark, ok := serverConfigs[strings.ToLower(path.Base(name))]
	return ok && looksLikeText(bytes.TrimPrefix(prefix, []byte("\xEF\xBB\xBF"))) && bytes.Contains(prefix, []byte(mark))
}
