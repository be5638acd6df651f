package console

import "net/http"

// routes adds all pages.
func (c *Console) routes() {
	c.mux.HandleFunc("GET "+Path+"style.css", c.file("style.css", "text/css; charset=utf-8", c.style))
	c.mux.HandleFunc("GET "+Path+"passkeys.js", c.file("passkeys.js", "text/javascript; charset=utf-8", c.code))
	c.mux.HandleFunc("GET "+Path+"icon.svg", c.file("icon.svg", "image/svg+xml", ""))
	c.open(Path, func(*visit) error { return &problem{Status: http.StatusNotFound, Detail: "There is no such page."} })
	c.page("GET "+Path+"{$}", (*visit).overview)
	c.signRoutes()
	c.accountRoutes()
	c.runRoutes()
	c.reportRoutes()
	c.proposalRoutes()
	c.clientRoutes()
	c.peopleRoutes()
	c.recordRoutes()
}
