package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/run/apiv2/runpb"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

type step struct {
	name string
	act  func(context.Context, *clients) error
}

var steps = []step{
	{"creates services and waits for each operation", create},
	{"lists page by page", list},
	{"changes what the mask names", update},
	{"is refused a stale change", stale},
	{"is told which field is missing", incomplete},
	{"is told what does not exist", missing},
	{"runs a job with overrides", runJob},
	{"cancels an execution", cancel},
	{"sets a policy", policy},
	{"deletes all", remove},
}

var names = []string{"go-0", "go-1", "go-2", "go-3", "go-4"}

func container(image string) []*runpb.Container {
	return []*runpb.Container{{Image: image}}
}

func serviceName(id string) string { return *parent + "/services/" + id }

// expect is an error that names both values where they differ.
func expect[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", what, got, want)
}

// refused is an error unless err is one of this code; it gives the error's details.
func refused(err error, code codes.Code) (apierror.ErrDetails, error) {
	var api *apierror.APIError
	if !errors.As(err, &api) {
		return apierror.ErrDetails{}, fmt.Errorf("%v is no error of an API", err)
	}
	return api.Details(), expect("the code of \""+err.Error()+"\"", api.GRPCStatus().Code(), code)
}

func create(ctx context.Context, c *clients) error {
	for _, id := range names {
		service := &runpb.Service{
			Labels:   map[string]string{"team": "a"},
			Template: &runpb.RevisionTemplate{Containers: container("gcr.io/p/app:1")},
		}
		op, err := c.services.CreateService(ctx, &runpb.CreateServiceRequest{Parent: *parent, ServiceId: id, Service: service})
		if err != nil {
			return err
		}
		made, err := op.Wait(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(
			expect("its name", made.Name, serviceName(id)),
			expect("its state", made.TerminalCondition.GetState(), runpb.Condition_CONDITION_SUCCEEDED),
			expect("whether it has a revision", made.LatestReadyRevision != "", true),
		); err != nil {
			return err
		}
	}
	return nil
}

func list(ctx context.Context, c *clients) error {
	found := c.services.ListServices(ctx, &runpb.ListServicesRequest{Parent: *parent, PageSize: 2})
	var listed []string
	for {
		service, err := found.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return err
		}
		listed = append(listed, service.Name)
	}
	for _, id := range names {
		if !slices.Contains(listed, serviceName(id)) {
			return fmt.Errorf("%s is not in %v", id, listed)
		}
	}
	return expect("the number of services", len(listed), len(names))
}

func update(ctx context.Context, c *clients) error {
	op, err := c.services.UpdateService(ctx, &runpb.UpdateServiceRequest{
		Service: &runpb.Service{
			Name:     serviceName("go-0"),
			Labels:   map[string]string{"team": "b"},
			Template: &runpb.RevisionTemplate{Containers: container("gcr.io/p/app:2")},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"template.containers"}},
	})
	if err != nil {
		return err
	}
	changed, err := op.Wait(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		expect("the image", changed.Template.Containers[0].Image, "gcr.io/p/app:2"),
		expect("a label outside of the mask", changed.Labels["team"], "a"),
	)
}

func stale(ctx context.Context, c *clients) error {
	service, err := c.services.GetService(ctx, &runpb.GetServiceRequest{Name: serviceName("go-0")})
	if err != nil {
		return err
	}
	service.Labels = map[string]string{"team": "c"}
	op, err := c.services.UpdateService(ctx, &runpb.UpdateServiceRequest{Service: service})
	if err != nil {
		return err
	}
	if _, err := op.Wait(ctx); err != nil {
		return err
	}
	_, err = c.services.UpdateService(ctx, &runpb.UpdateServiceRequest{Service: service})
	_, err = refused(err, codes.Aborted)
	return err
}

func incomplete(ctx context.Context, c *clients) error {
	service := &runpb.Service{Template: &runpb.RevisionTemplate{Containers: container("")}}
	_, err := c.services.CreateService(ctx, &runpb.CreateServiceRequest{Parent: *parent, ServiceId: "bad", Service: service})
	details, err := refused(err, codes.InvalidArgument)
	if err != nil {
		return err
	}
	if len(details.BadRequest.GetFieldViolations()) != 1 {
		return fmt.Errorf("the details are %v", details)
	}
	return expect("the field", details.BadRequest.FieldViolations[0].Field, "service.template.containers[0].image")
}

func missing(ctx context.Context, c *clients) error {
	_, err := c.services.GetService(ctx, &runpb.GetServiceRequest{Name: serviceName("nothing")})
	details, err := refused(err, codes.NotFound)
	if err != nil {
		return err
	}
	return expect("the domain of the error", details.ErrorInfo.GetDomain(), "run.googleapis.com")
}

func makeJob(ctx context.Context, c *clients, id, image string) (*runpb.Job, error) {
	template := &runpb.ExecutionTemplate{Template: &runpb.TaskTemplate{Containers: container(image)}}
	op, err := c.jobs.CreateJob(ctx, &runpb.CreateJobRequest{Parent: *parent, JobId: id, Job: &runpb.Job{Template: template}})
	if err != nil {
		return nil, err
	}
	return op.Wait(ctx)
}

func runJob(ctx context.Context, c *clients) error {
	job, err := makeJob(ctx, c, "go-job", "busybox")
	if err != nil {
		return err
	}
	override := &runpb.RunJobRequest_Overrides_ContainerOverride{Args: []string{"x"}}
	op, err := c.jobs.RunJob(ctx, &runpb.RunJobRequest{
		Name: job.Name,
		Overrides: &runpb.RunJobRequest_Overrides{
			TaskCount:          3,
			ContainerOverrides: []*runpb.RunJobRequest_Overrides_ContainerOverride{override},
		},
	})
	if err != nil {
		return err
	}
	execution, err := op.Wait(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		expect("the number of tasks", execution.TaskCount, 3),
		expect("the argument", execution.Template.Containers[0].Args[0], "x"),
	)
}

func cancel(ctx context.Context, c *clients) error {
	job, err := makeJob(ctx, c, "go-endless", "endless")
	if err != nil {
		return err
	}
	running, err := c.jobs.RunJob(ctx, &runpb.RunJobRequest{Name: job.Name})
	if err != nil {
		return err
	}
	execution, err := running.Metadata()
	if err != nil {
		return err
	}
	op, err := c.executions.CancelExecution(ctx, &runpb.CancelExecutionRequest{Name: execution.Name})
	if err != nil {
		return err
	}
	if _, err := op.Wait(ctx); err == nil {
		return nil
	}
	return expect("whether the operation is over", op.Done(), true)
}

func policy(ctx context.Context, c *clients) error {
	resource := serviceName("go-0")
	binding := &iampb.Binding{Role: "roles/run.invoker", Members: []string{"user:ada@example.com"}}
	want := &iampb.Policy{Bindings: []*iampb.Binding{binding}}
	if _, err := c.services.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: resource, Policy: want}); err != nil {
		return err
	}
	got, err := c.services.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: resource})
	if err != nil {
		return err
	}
	if err := expect("the number of bindings", len(got.Bindings), 1); err != nil {
		return err
	}
	return expect("the member", got.Bindings[0].Members[0], "user:ada@example.com")
}

func remove(ctx context.Context, c *clients) error {
	for _, id := range names {
		op, err := c.services.DeleteService(ctx, &runpb.DeleteServiceRequest{Name: serviceName(id)})
		if err != nil {
			return err
		}
		if _, err := op.Wait(ctx); err != nil {
			return err
		}
	}
	for _, id := range []string{"go-job", "go-endless"} {
		op, err := c.jobs.DeleteJob(ctx, &runpb.DeleteJobRequest{Name: *parent + "/jobs/" + id})
		if err != nil {
			return err
		}
		if _, err := op.Wait(ctx); err != nil {
			return err
		}
	}
	_, err := c.services.GetService(ctx, &runpb.GetServiceRequest{Name: serviceName("go-0")})
	_, err = refused(err, codes.NotFound)
	return err
}
