// argocd-controllers is what Argo CD applies an application with: its
// application controller and its repository server, without the user interface,
// the API and all else of Argo CD's own program, which takes twice as long to
// build. The first argument says which of the two it is.
package main

import (
	"fmt"
	"os"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	repository "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{Use: "argocd-controllers", SilenceUsage: true}
	root.AddCommand(controller.NewCommand(), repository.NewCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "argocd-controllers:", err)
		os.Exit(1)
	}
}
