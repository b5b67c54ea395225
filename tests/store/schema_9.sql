BEGIN TRANSACTION;
PRAGMA application_id = 1634955888;
PRAGMA user_version = 9;
CREATE TABLE benchmarks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  config_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
) STRICT;
INSERT INTO "benchmarks" VALUES(1,'tiny','{"audio_seconds":[5.0],"batch_sizes":[1],"data":{"audio_column":null,"cache":null,"dataset":null,"path":null,"revision":null,"source":"builtin","split":"validation","subset":null,"text_column":null,"utterances":null},"devices":["cpu"],"exclude":[],"include":[],"limits":{"case_seconds":1800.0,"comparison_rounds":4,"cycle_batches":2,"decoder_iterations":5,"decoder_tokens":64,"energy_cooldown_seconds":0.0,"energy_idle_seconds":0.3,"energy_window_seconds":2.0,"energy_windows":1,"largest_batch":256,"memory_bytes":null,"min_iterations":4,"min_seconds":0.2,"operators":40,"profile_tokens":8,"quality_clips":4,"stage_iterations":2,"threads":1,"tokens_per_audio_second":4.0,"trace":false,"warmup_iterations":3,"warmup_seconds":0.3},"measures":["latency","stages","energy","memory","flops","operators","quality","comparison"],"models":["small-whisper"],"name":"tiny","seed":42,"variants":["fp32",{"assistant":null,"attention":"eager","autocast":false,"batching":null,"beams":1,"cache":null,"chunk_seconds":null,"compile":null,"compile_decoder":null,"cuda_graph":false,"draft_tokens":5,"left_seconds":0.0,"name":"eager","precision":"fp32","prompt_lookup":null,"quantization":null,"quantize_only":null,"right_seconds":0.0}],"weights":"pretrained"}','9397543c64f6d011a81a45580f1c55fa443e65795db65981e3360b6f16d049a0','2026-11-28T14:02:29.030236+00:00');
CREATE TABLE decoder_steps (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  position INTEGER NOT NULL,
  median_s REAL NOT NULL,
  low_s REAL NOT NULL,
  high_s REAL NOT NULL,
  iterations INTEGER NOT NULL,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE energy_readings (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  source TEXT NOT NULL,
  label TEXT NOT NULL CHECK (label IN ('measured', 'sampled', 'estimated')),
  scope TEXT NOT NULL,
  windows INTEGER NOT NULL,
  window_s REAL NOT NULL,
  batches INTEGER NOT NULL,
  gross_j REAL,
  net_j REAL,
  uncertainty_j REAL,
  net_uncertainty_j REAL,
  idle_w REAL,
  mean_w REAL,
  refresh_s REAL,
  reason TEXT,
  net_reason TEXT,
  detail TEXT,
  UNIQUE (result_id, source),
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "energy_readings" VALUES(1,0,'codecarbon','estimated','machine: cpu+ram',1,2.13920823599983123131e+00,16,3.74433025,NULL,NULL,NULL,NULL,2.8005354033240887901e+01,NULL,NULL,'an estimate is a model of power: subtracting its own idle term means nothing','{}');
INSERT INTO "energy_readings" VALUES(1,1,'rapl','measured','package',0,0.0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'no RAPL zones','no RAPL zones',NULL);
INSERT INTO "energy_readings" VALUES(2,0,'codecarbon','estimated','machine: cpu+ram',1,2.21199609600080293603e+00,14,4.42487485714285710969e+00,NULL,NULL,NULL,NULL,2.80055864980954787313e+01,NULL,NULL,'an estimate is a model of power: subtracting its own idle term means nothing','{}');
INSERT INTO "energy_readings" VALUES(2,1,'rapl','measured','package',0,0.0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'no RAPL zones','no RAPL zones',NULL);
CREATE TABLE environments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint TEXT NOT NULL UNIQUE,
  hostname TEXT NOT NULL,
  os TEXT NOT NULL,
  kernel TEXT NOT NULL,
  architecture TEXT NOT NULL,
  virtualization TEXT,
  cpu_model TEXT NOT NULL,
  cpu_physical_cores INTEGER,
  cpu_logical_cores INTEGER NOT NULL,
  cpu_affinity INTEGER NOT NULL,
  cpu_governor TEXT,
  memory_bytes INTEGER NOT NULL,
  gpu_name TEXT,
  gpu_uuid TEXT,
  gpu_memory_bytes INTEGER,
  gpu_power_limit_w REAL,
  gpu_driver TEXT,
  cuda TEXT,
  python TEXT NOT NULL,
  packages TEXT NOT NULL,
  git_commit TEXT,
  asrprof TEXT NOT NULL,
  container_image TEXT
) STRICT;
INSERT INTO "environments" VALUES(1,'3ad057e2f1acb987f4f7fe4fdbcec1884856a08f4dbb67d62e4c3bdbd28581bc','host','Debian GNU/Linux 12','6.1','x86_64',NULL,'CPU',2,2,2,NULL,25276514304,NULL,NULL,NULL,NULL,NULL,NULL,'3.11.7','{"torch": "2.13.0"}','48d4c902e704b6ee558293fad9f794e4feb7de42','0.1.0',NULL);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  case_key TEXT,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  message TEXT,
  data TEXT
) STRICT;
INSERT INTO "events" VALUES(1,1,NULL,'job-started','2026-11-28T14:02:29.034497+00:00','2 of 2 cases',NULL);
INSERT INTO "events" VALUES(2,1,'small-whisper|pretrained|-|cpu|fp32|5s|b1','case-started','2026-11-28T14:02:29.034867+00:00','small-whisper cpu fp32 5 s x 1',NULL);
INSERT INTO "events" VALUES(16,1,'small-whisper|pretrained|-|cpu|fp32|5s|b1','remark','2026-11-28T14:02:44.976683+00:00','energy: others used 66% of the machine''s CPU time; the estimate is of the whole machine and includes them',NULL);
INSERT INTO "events" VALUES(21,1,'small-whisper|pretrained|-|cpu|fp32|5s|b1','case-finished','2026-11-28T14:02:49.216483+00:00','ok',NULL);
INSERT INTO "events" VALUES(22,1,'small-whisper|pretrained|-|cpu|eager|5s|b1','case-started','2026-11-28T14:02:49.216760+00:00','small-whisper cpu eager 5 s x 1',NULL);
INSERT INTO "events" VALUES(36,1,'small-whisper|pretrained|-|cpu|eager|5s|b1','remark','2026-11-28T14:02:57.625866+00:00','energy: others used 66% of the machine''s CPU time; the estimate is of the whole machine and includes them',NULL);
INSERT INTO "events" VALUES(43,1,'small-whisper|pretrained|-|cpu|eager|5s|b1','case-finished','2026-11-28T14:03:03.820611+00:00','ok',NULL);
INSERT INTO "events" VALUES(44,1,NULL,'job-finished','2026-11-28T14:03:03.820739+00:00','done',NULL);
CREATE TABLE figures (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  note TEXT,
  UNIQUE (result_id, name),
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "figures" VALUES(1,0,'memory_weights_bytes',11063680.0,'of the model, by the tensors');
INSERT INTO "figures" VALUES(1,1,'memory_activations_bytes',6711040.0,'of the resident set, libraries'' work space included: what a batch needs beyond weights and cache, in the decoder');
INSERT INTO "figures" VALUES(1,2,'memory_cache_bytes',1501440.0,'keys and values of a batch at its end, of the model, by the tensors');
INSERT INTO "figures" VALUES(2,0,'memory_weights_bytes',11063680.0,'of the model, by the tensors');
INSERT INTO "figures" VALUES(2,1,'memory_activations_bytes',15390464.0,'of the resident set, libraries'' work space included: what a batch needs beyond weights and cache, in the decoder');
INSERT INTO "figures" VALUES(2,2,'memory_cache_bytes',1501440.0,'keys and values of a batch at its end, of the model, by the tensors');
CREATE TABLE flops (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  method TEXT NOT NULL,
  stage TEXT NOT NULL,
  flops INTEGER,
  macs INTEGER,
  note TEXT,
  UNIQUE (result_id, method, stage),
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "flops" VALUES(1,0,'meta','encoder',1396800000,698400000,'padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(1,1,'meta','prefill',127315200,63657600,'the prompt and the encoder''s keys and values; padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(1,2,'meta','decode',36495360,18247680,'12 steps after the prefill, with key-value cache; padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(1,3,'meta','token',3041280,1520640,'mean step; padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(1,4,'meta','total',1560610560,780305280,'padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(2,0,'meta','encoder',1396800000,698400000,'padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(2,1,'meta','prefill',127315200,63657600,'the prompt and the encoder''s keys and values; padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(2,2,'meta','decode',36495360,18247680,'12 steps after the prefill, with key-value cache; padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(2,3,'meta','token',3041280,1520640,'mean step; padding counted; norms, activations, biases and feature extraction left out');
INSERT INTO "flops" VALUES(2,4,'meta','total',1560610560,780305280,'padding counted; norms, activations, biases and feature extraction left out');
CREATE TABLE identity (id TEXT NOT NULL) STRICT;
INSERT INTO "identity" VALUES('b7ffe993966fe550d9ed4315ae79edfd');
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  benchmark_id INTEGER NOT NULL REFERENCES benchmarks (id) ON DELETE CASCADE,
  target TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'starting', 'running', 'done', 'failed', 'cancelled', 'lost')),
  priority INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  attempt INTEGER NOT NULL DEFAULT 1,
  cases_total INTEGER NOT NULL,
  cases_done INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  lease_owner TEXT,
  lease_expires_at TEXT,
  heartbeat_at TEXT,
  handle TEXT,
  log_path TEXT
, attempt_started_at TEXT, time_limit_s REAL CHECK (time_limit_s > 0), cancel_requested_at TEXT, machine TEXT, dispatcher TEXT, folder TEXT, needs TEXT, part TEXT, retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0), node TEXT, avoid TEXT) STRICT;
INSERT INTO "jobs" VALUES(1,1,'local','done',0,0,NULL,1,2,2,'2026-11-28T14:02:29.033815+00:00','2026-11-28T14:02:29.033815+00:00','2026-11-28T14:03:03.820887+00:00',NULL,NULL,'2026-11-28T14:03:03.463382+00:00',NULL,NULL,'2026-11-28T14:02:29.033815+00:00',NULL,NULL,'host',NULL,NULL,NULL,NULL,0,NULL,NULL);
CREATE TABLE operators (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  device TEXT NOT NULL,
  calls INTEGER NOT NULL,
  self_s REAL NOT NULL,
  share REAL NOT NULL,
  memory_bytes INTEGER,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "operators" VALUES(1,0,'aten::addmm','matmul','cpu',191,2.11293890000000018913e-02,2.75391375957660222706e-01,8611200);
INSERT INTO "operators" VALUES(1,1,'aten::_scaled_dot_product_flash_attention_for_cpu','attention','cpu',52,0.0210319720000002,2.74121684644219376636e-01,-488460);
INSERT INTO "operators" VALUES(2,0,'aten::addmm','matmul','cpu',191,2.0621236999999688344e-02,2.48232971953724207425e-01,8611200);
INSERT INTO "operators" VALUES(2,1,'aten::bmm','attention','cpu',105,1.2622822999999908089e-02,1.51950189396293205978e-01,10443696);
CREATE TABLE peaks (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  device TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER,
  flops_per_s REAL NOT NULL,
  bytes_per_s REAL NOT NULL,
  detail TEXT NOT NULL, model_s REAL,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "peaks" VALUES(1,0,'cpu','float32',1,4.56515965873292617815e+10,1.34734461604837417599e+10,'product of 1536 x 1536, copy of 268 MB',3.65084320001187734305e-02);
CREATE TABLE power_samples (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  source TEXT NOT NULL,
  phase TEXT NOT NULL,
  time_s REAL NOT NULL,
  power_w REAL,
  energy_j REAL,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE proofs (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  part TEXT NOT NULL,
  asked TEXT NOT NULL,
  found TEXT NOT NULL,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "proofs" VALUES(1,0,'precision','fp32','parameters float32 x 143');
INSERT INTO "proofs" VALUES(2,0,'precision','fp32','parameters float32 x 143');
INSERT INTO "proofs" VALUES(2,1,'attention','eager','aten::softmax x 16');
CREATE TABLE results (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  environment_id INTEGER REFERENCES environments (id),
  created_at TEXT NOT NULL,
  case_key TEXT NOT NULL,
  model TEXT NOT NULL,
  engine TEXT NOT NULL,
  weights TEXT NOT NULL CHECK (weights IN ('pretrained', 'random')),
  revision TEXT,
  device TEXT NOT NULL,
  variant TEXT NOT NULL,
  audio_seconds REAL NOT NULL,
  batch_size INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ok', 'failed', 'oom', 'refused')),
  reason TEXT,
  started_at TEXT NOT NULL,
  wall_s REAL NOT NULL,
  parameters INTEGER,
  clips_fingerprint TEXT,
  trace_path TEXT,
  load_s REAL,
  cold_s REAL,
  warmup_iterations INTEGER,
  warmup_s REAL,
  iterations INTEGER,
  latency_s REAL,
  latency_low_s REAL,
  latency_high_s REAL,
  latency_mean_s REAL,
  latency_stdev_s REAL,
  latency_p90_s REAL,
  latency_p95_s REAL,
  latency_p99_s REAL,
  stable INTEGER CHECK (stable IN (0, 1)),
  stable_reason TEXT,
  audio_s REAL,
  rtfx REAL,
  throughput REAL,
  tokens REAL,
  windows REAL,
  decoder_calls REAL,
  energy_j REAL,
  energy_net_j REAL,
  energy_uncertainty_j REAL,
  energy_net_uncertainty_j REAL,
  energy_label TEXT CHECK (energy_label IN ('measured', 'sampled', 'estimated')),
  energy_source TEXT,
  energy_reason TEXT,
  idle_w REAL,
  joules_per_audio_hour REAL,
  encoder_flops INTEGER,
  flops INTEGER,
  flops_reason TEXT,
  operators_reason TEXT,
  rss_bytes INTEGER,
  rss_before_bytes INTEGER,
  weights_bytes INTEGER,
  gpu_allocated_bytes INTEGER,
  gpu_reserved_bytes INTEGER,
  gpu_board_bytes INTEGER,
  clips INTEGER,
  wer REAL,
  wer_low REAL,
  wer_high REAL,
  cer REAL,
  cer_low REAL,
  cer_high REAL,
  substitutions INTEGER,
  deletions INTEGER,
  insertions INTEGER,
  hits INTEGER,
  normaliser TEXT,
  normaliser_version TEXT,
  quality_reason TEXT,
  load_before REAL,
  load_after REAL,
  foreign_cpu REAL,
  threads INTEGER,
  throttled TEXT,
  temperature_c REAL, baseline TEXT, compared_rounds INTEGER, baseline_latency_s REAL, compared_latency_s REAL, speedup REAL, speedup_low REAL, speedup_high REAL, compared_clips INTEGER, same_text INTEGER, comparison_reason TEXT, decoder_reason TEXT, latency_interval_reason TEXT, speedup_reason TEXT, same_text_promised INTEGER CHECK (same_text_promised IN (0, 1)),
  UNIQUE (job_id, case_key)
) STRICT;
INSERT INTO "results" VALUES(1,1,1,'2026-11-28T14:02:49.214406+00:00','small-whisper|pretrained|-|cpu|fp32|5s|b1','small-whisper','whisper','pretrained',NULL,'cpu','fp32',5.0,1,42,'ok',NULL,'2026-11-28T14:02:37.814744+00:00',1.13412744369998108595e+01,2765920,'442d7d4cec8db3ca1339353ad2054c041bf547962d1a6b6b2d4fa009b4a8acd3',NULL,4.13567047999094938859e-01,1.63432216999353840947e-01,3,3.53159357004187768325e-01,4,1.35583737000160908792e-01,1.10650738999538589268e-01,1.60516735000783228315e-01,1.35583737000160908792e-01,3.17022591922130406172e-02,1.67016741800398466066e-01,1.71891746900109859685e-01,1.75791750979878980132e-01,0,'spread 31%; drift +44%; others used 67% of the CPU',4.98196875,3.67445894340121910199e+01,7.37551584080333455517e+00,13.0,1.0,13.0,3.74433025,NULL,NULL,NULL,'estimated','codecarbon',NULL,NULL,2.70567512090476247968e+03,1396800000,1560610560,NULL,NULL,391262208,316850176,11063680,NULL,NULL,NULL,4,2.17391304347826080922e-02,0.0,7.31707317073170687704e-02,9.25925925925925874526e-03,0.0,3.42857142857142874192e-02,1,0,0,45,'whisper-normalizer/english','0.1.15',NULL,3.36279296875,3.36279296875,6.69642857147979886356e-01,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "results" VALUES(2,1,1,'2026-11-28T14:03:03.818693+00:00','small-whisper|pretrained|-|cpu|eager|5s|b1','small-whisper','whisper','pretrained',NULL,'cpu','eager',5.0,1,42,'ok',NULL,'2026-11-28T14:02:49.251027+00:00',1.45138594770032796081e+01,2765920,'442d7d4cec8db3ca1339353ad2054c041bf547962d1a6b6b2d4fa009b4a8acd3',NULL,2.79154331001336686313e-01,1.57611712998914299532e-01,3,4.17846151001867838203e-01,4,1.3002992949986946769e-01,1.23440453999137389473e-01,1.36619405000601545907e-01,1.3002992949986946769e-01,0.00863669766102425,1.3861984220093290232e-01,1.40120170101181412691e-01,1.4132043242138023209e-01,0,'drift -10%; others used 66% of the CPU',4.98196875,3.8314015620572966724e+01,7.69053712361663510677e+00,13.0,1.0,13.0,4.42487485714285710969e+00,NULL,NULL,NULL,'estimated','codecarbon',NULL,NULL,3197.44066755021,1396800000,1560610560,NULL,NULL,419856384,316858368,11063680,NULL,NULL,NULL,4,2.17391304347826080922e-02,0.0,7.31707317073170687704e-02,9.25925925925925874526e-03,0.0,3.42857142857142874192e-02,1,0,0,45,'whisper-normalizer/english','0.1.15',NULL,3.5048828125,3.5048828125,6.60377358489820154296e-01,1,NULL,NULL,'fp32',4,1.31053268249161192215e-01,1.54340109249460510909e-01,8.60840174179899442208e-01,0.727376132570142,1.01879312820402390116e+00,4,4,NULL,NULL,NULL,NULL,1);
CREATE TABLE samples (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  iteration INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "samples" VALUES(1,0,'cold',0,0,1.63432216999353840947e-01);
INSERT INTO "samples" VALUES(1,10,'stage:encode',0,0,0.0449162270015222);
INSERT INTO "samples" VALUES(1,20,'stage:text',1,1,2.01725997612811625003e-04);
INSERT INTO "samples" VALUES(2,0,'cold',0,0,1.57611712998914299532e-01);
INSERT INTO "samples" VALUES(2,10,'stage:encode',0,0,1.01797218998399330303e-01);
INSERT INTO "samples" VALUES(2,20,'stage:text',1,1,2.31010002607945352792e-04);
INSERT INTO "samples" VALUES(2,30,'interleaved:baseline',2,0,1.13527985999098746106e-01);
CREATE TABLE spools (
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (job_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE "stages" (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  stage TEXT NOT NULL,
  median_s REAL NOT NULL,
  low_s REAL,
  high_s REAL,
  iterations INTEGER NOT NULL,
  interval_reason TEXT,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "stages" VALUES(1,0,'features',3.60784199983754660934e-03,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(1,1,'transfer',8.74649958859663456678e-06,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(1,2,'encode',4.35564040017197839915e-02,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(1,3,'prefill',1.17291584974736906588e-02,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(1,4,'decode',5.9096584502185578458e-02,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(1,5,'text',2.25569998292485252022e-04,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(1,6,'token',4.92471537518213153816e-03,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,0,'features',7.17403650014603044837e-03,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,1,'transfer',1.18470015877392143011e-05,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,2,'encode',7.92002059988590190187e-02,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,3,'prefill',1.42684699985693441703e-02,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,4,'decode',6.96213435003301128745e-02,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,5,'text',2.19899502553744241595e-04,NULL,NULL,2,'one round of the batch cycle gives no interval');
INSERT INTO "stages" VALUES(2,6,'token',5.8017786250275094062e-03,NULL,NULL,2,'one round of the batch cycle gives no interval');
CREATE TABLE transcripts (
  result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  clip_id TEXT NOT NULL,
  audio_seconds REAL NOT NULL,
  reference TEXT NOT NULL,
  hypothesis TEXT NOT NULL,
  substitutions INTEGER,
  deletions INTEGER,
  insertions INTEGER,
  hits INTEGER,
  PRIMARY KEY (result_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "transcripts" VALUES(1,0,'5s-0000',4.989,'call four ten eight four now four big cups on the box','call four eight eight four now four big cups on the box',1,0,0,8);
INSERT INTO "transcripts" VALUES(1,1,'5s-0001',4.9749375,'call the station tomorrow at three call three one one five now','call the station tomorrow at three call three one one five now',0,0,0,9);
INSERT INTO "transcripts" VALUES(1,2,'5s-0002',4.9871875,'the old horse runs under the table bring two green cups from the school','the old horse runs under the table bring two green cups from the school',0,0,0,14);
INSERT INTO "transcripts" VALUES(1,3,'5s-0003',4.999875,'we meet at the school on sunday the old horse waits behind the door','we meet at the school on sunday the old horse waits behind the door',0,0,0,14);
INSERT INTO "transcripts" VALUES(2,0,'5s-0000',4.989,'call four ten eight four now four big cups on the box','call four eight eight four now four big cups on the box',1,0,0,8);
INSERT INTO "transcripts" VALUES(2,1,'5s-0001',4.9749375,'call the station tomorrow at three call three one one five now','call the station tomorrow at three call three one one five now',0,0,0,9);
INSERT INTO "transcripts" VALUES(2,2,'5s-0002',4.9871875,'the old horse runs under the table bring two green cups from the school','the old horse runs under the table bring two green cups from the school',0,0,0,14);
INSERT INTO "transcripts" VALUES(2,3,'5s-0003',4.999875,'we meet at the school on sunday the old horse waits behind the door','we meet at the school on sunday the old horse waits behind the door',0,0,0,14);
CREATE INDEX jobs_of_benchmark ON jobs (benchmark_id);
CREATE INDEX jobs_by_state ON jobs (state, priority DESC, position);
CREATE INDEX results_of_environment ON results (environment_id);
CREATE INDEX events_of_job ON events (job_id, id);
CREATE INDEX results_by_model ON results (model);
CREATE INDEX results_by_latency_s ON results (latency_s);
CREATE INDEX results_by_latency_p95_s ON results (latency_p95_s);
CREATE INDEX results_by_rtfx ON results (rtfx);
CREATE INDEX results_by_energy_j ON results (energy_j);
CREATE INDEX results_by_joules_per_audio_hour ON results (joules_per_audio_hour);
CREATE INDEX results_by_flops ON results (flops);
CREATE INDEX results_by_rss_bytes ON results (rss_bytes);
CREATE INDEX results_by_wer ON results (wer);
CREATE INDEX jobs_waiting ON jobs (priority DESC, position, id) WHERE state = 'queued';
CREATE INDEX jobs_waiting_needs ON jobs (target, needs, priority DESC, position, id) WHERE state = 'queued';
CREATE INDEX jobs_waiting_last ON jobs (position) WHERE state = 'queued';
CREATE INDEX jobs_held ON jobs (machine) WHERE state IN ('starting', 'running');
CREATE VIEW leaderboard AS SELECT
  results.id AS result_id,
  results.job_id AS job_id,
  benchmarks.name AS benchmark,
  results.model AS model,
  results.engine AS engine,
  results.weights AS weights,
  results.device AS device,
  results.variant AS variant,
  results.audio_seconds AS audio_seconds,
  results.batch_size AS batch_size,
  results.state AS state,
  results.reason AS reason,
  CASE WHEN latency_s * 1e3 IS NOT NULL THEN CAST(printf('%.5g', latency_s * 1e3) AS REAL) END AS latency_ms,
  CASE WHEN latency_low_s * 1e3 IS NOT NULL THEN CAST(printf('%.5g', latency_low_s * 1e3) AS REAL) END AS latency_low_ms,
  CASE WHEN latency_high_s * 1e3 IS NOT NULL THEN CAST(printf('%.5g', latency_high_s * 1e3) AS REAL) END AS latency_high_ms,
  CASE WHEN latency_p95_s * 1e3 IS NOT NULL THEN CAST(printf('%.5g', latency_p95_s * 1e3) AS REAL) END AS p95_ms,
  CASE WHEN cold_s * 1e3 IS NOT NULL THEN CAST(printf('%.5g', cold_s * 1e3) AS REAL) END AS cold_ms,
  results.stable AS stable,
  CASE WHEN rtfx IS NOT NULL THEN CAST(printf('%.5g', rtfx) AS REAL) END AS rtfx,
  CASE WHEN throughput IS NOT NULL THEN CAST(printf('%.5g', throughput) AS REAL) END AS throughput,
  CASE WHEN energy_j IS NOT NULL THEN CAST(printf('%.5g', energy_j) AS REAL) END AS energy_j,
  CASE WHEN energy_j IS NOT NULL THEN energy_label END AS energy_label,
  CASE WHEN energy_j IS NOT NULL THEN energy_source END AS energy_source,
  CASE WHEN joules_per_audio_hour IS NOT NULL THEN CAST(printf('%.5g', joules_per_audio_hour) AS REAL) END AS joules_per_audio_hour,
  CASE WHEN encoder_flops / 1e9 IS NOT NULL THEN CAST(printf('%.5g', encoder_flops / 1e9) AS REAL) END AS encoder_gflops,
  CASE WHEN flops / 1e9 IS NOT NULL THEN CAST(printf('%.5g', flops / 1e9) AS REAL) END AS gflops,
  CASE WHEN rss_bytes / 1e6 IS NOT NULL THEN CAST(printf('%.5g', rss_bytes / 1e6) AS REAL) END AS rss_mb,
  CASE WHEN gpu_reserved_bytes / 1e6 IS NOT NULL THEN CAST(printf('%.5g', gpu_reserved_bytes / 1e6) AS REAL) END AS vram_mb,
  CASE WHEN tokens IS NOT NULL THEN CAST(printf('%.5g', tokens) AS REAL) END AS tokens,
  CASE WHEN speedup IS NOT NULL THEN CAST(printf('%.5g', speedup) AS REAL) END AS speedup,
  CASE WHEN wer IS NOT NULL THEN CAST(printf('%.4g', wer) AS REAL) END AS wer,
  CASE WHEN cer IS NOT NULL THEN CAST(printf('%.4g', cer) AS REAL) END AS cer,
  results.clips AS clips,
  results.environment_id AS environment_id,
  results.created_at AS created_at
FROM results
JOIN jobs ON jobs.id = results.job_id
JOIN benchmarks ON benchmarks.id = jobs.benchmark_id;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('benchmarks',1);
INSERT INTO "sqlite_sequence" VALUES('jobs',1);
INSERT INTO "sqlite_sequence" VALUES('events',44);
INSERT INTO "sqlite_sequence" VALUES('environments',2);
INSERT INTO "sqlite_sequence" VALUES('results',2);
COMMIT;
