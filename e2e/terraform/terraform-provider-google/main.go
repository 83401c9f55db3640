// terraform-provider-google is Google's own provider with the resources of Cloud Run alone: the rest of it takes far longer to
// build, and none of it is tested here. Its settings are those of Google's provider that concern Cloud Run.
package main

import (
	"context"
	"log"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-provider-google/google/registry"
	_ "github.com/hashicorp/terraform-provider-google/google/services/cloudrun"
	_ "github.com/hashicorp/terraform-provider-google/google/services/cloudrunv2"
	"github.com/hashicorp/terraform-provider-google/google/transport"
)

func main() {
	if err := tf5server.Serve("registry.opentofu.org/hashicorp/google", provider().GRPCProvider); err != nil {
		log.Fatal(err)
	}
}

func provider() *schema.Provider {
	settings := map[string]*schema.Schema{
		"default_labels": {Type: schema.TypeMap, Optional: true, Elem: &schema.Schema{Type: schema.TypeString}},
	}
	for _, name := range []string{"access_token", "poll_interval", "project", "region", "universe_domain"} {
		settings[name] = &schema.Schema{Type: schema.TypeString, Optional: true}
	}
	for _, product := range registry.ListProducts() {
		settings[product.CustomEndpointField] = &schema.Schema{Type: schema.TypeString, Optional: true}
	}
	return &schema.Provider{
		Schema:               settings,
		ResourcesMap:         registry.ResourceMap(),
		DataSourcesMap:       registry.DatasourceMap(),
		ConfigureContextFunc: configure,
	}
}

func configure(ctx context.Context, settings *schema.ResourceData) (any, diag.Diagnostics) {
	batching, err := transport.ExpandProviderBatchingConfig(nil)
	if err != nil {
		return nil, diag.FromErr(err)
	}
	text := func(name string) string { return settings.Get(name).(string) }
	config := &transport.Config{
		AccessToken:     text("access_token"),
		Project:         text("project"),
		Region:          text("region"),
		UniverseDomain:  text("universe_domain"),
		BatchingConfig:  batching,
		CustomEndpoints: map[string]string{},
		DefaultLabels:   map[string]string{},
		// As where a configuration says nothing else.
		AddTerraformAttributionLabel:              true,
		TerraformAttributionLabelAdditionStrategy: transport.CreateOnlyAttributionStrategy,
	}
	for name, value := range settings.Get("default_labels").(map[string]any) {
		config.DefaultLabels[name] = value.(string)
	}
	for _, product := range registry.ListProducts() {
		if endpoint := text(product.CustomEndpointField); endpoint != "" {
			config.CustomEndpoints[product.CustomEndpointField] = endpoint
		}
	}
	if interval := text("poll_interval"); interval != "" {
		if config.PollInterval, err = time.ParseDuration(interval); err != nil {
			return nil, diag.FromErr(err)
		}
	}
	if stop, ok := schema.StopContext(ctx); ok {
		ctx = stop
	}
	if err := config.LoadAndValidate(ctx); err != nil {
		return nil, diag.FromErr(err)
	}
	return config, nil
}
