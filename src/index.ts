/**
 * encap-forward: build a scenario, run it in an engine, get a journey.
 *
 *     const engine = openLinuxEngine();
 *     const result = await runLab(engine, chooseCells({ outer: ['ipv4'], forwarding: ['stack'] }));
 *     engine.close();
 */

// What the forwarder is told
export type { Configuration, TunnelFile } from './configuration/configuration.ts';
export {
	type ConfigurationSource,
	type ParsedConfiguration,
	parseConfiguration,
} from './configuration/parse.ts';
// Who tries it
export type { Engine } from './engines/engine.ts';
export { type LinuxEngineOptions, openLinuxEngine } from './engines/linux/engine.ts';
export { type Datapaths, openDatapaths } from './engines/model/datapath.ts';
export { type ModelEngine, type ModelEngineOptions, openModelEngine } from './engines/model/engine.ts';
// What went wrong
export { EncapForwardError, type ErrorCode, errorCodes, type Problem } from './error.ts';
// What would happen on a host
export type { Change, ChangeKind } from './explain/change.ts';
export { type Alternative, type Explanation, explain } from './explain/explain.ts';
export { capturedFrame, describedFrame, type FrameSource } from './explain/frame-source.ts';
export { type ExplanationJson, explanationJson } from './explain/json.ts';
export { parseSnapshot } from './explain/parse-snapshot.ts';
export type { Question } from './explain/question.ts';
export type { Solution } from './explain/search.ts';
export type { Snapshot } from './explain/snapshot.ts';
export { takeSnapshot } from './explain/take-snapshot.ts';
export { explanationText } from './explain/text.ts';
// What happened
export { type Cause, causes, type DatapathOutcome, type Drop } from './journey/cause.ts';
export { explainJourney } from './journey/explanation.ts';
export type { Decision, Journey, Outcome, Place, Sighting, Step, Traces } from './journey/journey.ts';
export { type JourneyJson, journeyJson } from './journey/json.ts';
export { journeyText } from './journey/text.ts';
// The lab
export { type Choice, chooseCells } from './lab/cells.ts';
export {
	type Environment,
	type OpenEnvironment,
	openEnvironment,
	setUp as setUpEnvironment,
	tearDown as tearDownEnvironment,
} from './lab/environment.ts';
export type { SysctlChange } from './lab/fix.ts';
export { type LabJson, labJson } from './lab/json.ts';
export { type PingOptions, pingThrough } from './lab/ping.ts';
export { labCapture } from './lab/report.ts';
export { type LabOptions, type LabResult, runLab, type TriedCell } from './lab/run.ts';
export { labText } from './lab/table.ts';
// What is tried
export type { Cell, Source } from './scenario/example.ts';
export { exampleScenario } from './scenario/example.ts';
export type {
	Datapath,
	Device,
	Forwarding,
	Hook,
	Host,
	Link,
	Neighbour,
	NextHop,
	NextHopObject,
	Route,
	RouteType,
	Rule,
	Scenario,
} from './scenario/scenario.ts';
// What a live host drops
export type { DroppedPacket, TracedDrop } from './trace/drop.ts';
export type { DropFilter } from './trace/filter.ts';
export { type TraceOptions, type TraceReport, trace } from './trace/run.ts';
export type { Row } from './trace/tally.ts';
// What a tunnel is
export type { Decapsulation, ParsedDecapsulation } from './tunnel/decapsulation.ts';
export type { Encapsulation, ParsedTunnel, Tunnel } from './tunnel/tunnel.ts';
export { type TunnelTable, tunnelAt } from './tunnel/tunnel-table.ts';
