// Command go runs one script with Google's client library for Go at an Admin API,
// over gRPC and over REST: the script that operator/api/v2/clients.test.ts runs with
// the library for Node. It prints a line for each step, and ends at the first that fails.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	run "cloud.google.com/go/run/apiv2"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

var (
	transport = flag.String("transport", "grpc", "grpc or rest")
	address   = flag.String("address", "", "host and port at which the Admin API answers")
	host      = flag.String("host", "", "its name, which its certificate has")
	authority = flag.String("authority", "", "file with the authority of its certificate")
	token     = flag.String("token", "", "file with the token of the person")
	parent    = flag.String("parent", "", "projects/PROJECT/locations/REGION")
)

// clients are those of the library that the script needs.
type clients struct {
	services   *run.ServicesClient
	jobs       *run.JobsClient
	executions *run.ExecutionsClient
}

func main() {
	flag.Parse()
	if err := all(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func all(ctx context.Context) error {
	c, err := connect(ctx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := step.act(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println(step.name)
	}
	return nil
}

func connect(ctx context.Context) (*clients, error) {
	options, err := optionsOf(*transport)
	if err != nil {
		return nil, err
	}
	services, jobs, executions := run.NewServicesClient, run.NewJobsClient, run.NewExecutionsClient
	if *transport == "rest" {
		services, jobs, executions = run.NewServicesRESTClient, run.NewJobsRESTClient, run.NewExecutionsRESTClient
	}
	c := &clients{}
	if c.services, err = services(ctx, options...); err != nil {
		return nil, err
	}
	if c.jobs, err = jobs(ctx, options...); err != nil {
		return nil, err
	}
	c.executions, err = executions(ctx, options...)
	return c, err
}

// optionsOf has the name lead to the address, as DNS would.
func optionsOf(transport string) ([]option.ClientOption, error) {
	pem, err := os.ReadFile(*authority)
	if err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(*token)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	trust := &tls.Config{RootCAs: roots, ServerName: *host}
	dial := func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", *address) }
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: string(secret)})
	if transport == "rest" {
		base := &http.Transport{
			TLSClientConfig: trust,
			DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		}
		client := &http.Client{Transport: &oauth2.Transport{Source: source, Base: base}}
		return []option.ClientOption{option.WithEndpoint("https://" + *host), option.WithHTTPClient(client)}, nil
	}
	return []option.ClientOption{
		option.WithEndpoint("passthrough:///" + *host + ":443"),
		option.WithTokenSource(source),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(credentials.NewTLS(trust))),
		option.WithGRPCDialOption(grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) })),
	}, nil
}
