BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
) STRICT;
INSERT INTO "_sqlite_migrations" VALUES(1,'runs','create_tables','2026-11-21 22:40:53.995308+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'runs','create_views','2026-11-21 22:40:53.997315+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'runs','create_ancestry_views','2026-11-21 22:40:54.011384+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'runs','add_purposes','2026-11-21 22:40:54.013408+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'runs','create_yardstick','2026-11-21 22:40:54.019224+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'runs','add_trace_and_idle_seconds','2026-11-21 22:40:54.020017+00:00');
CREATE TABLE adjustments (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    original TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (attempt, position)
) STRICT;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    operator TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN
        ('proposed', 'rejected', 'duplicate', 'failed', 'diverged', 'timeout', 'screened', 'evaluated')),
    reason TEXT NOT NULL,
    recipe TEXT REFERENCES recipes(hash),
    duplicate_of INTEGER REFERENCES attempts(id),
    label TEXT NOT NULL,
    score REAL,
    rung INTEGER,
    family TEXT,
    parameters INTEGER,
    flops_per_token INTEGER,
    state_bytes INTEGER,
    step_seconds REAL,
    created_at TEXT NOT NULL,
    seconds REAL,
    CONSTRAINT only_a_rejected_attempt_has_no_recipe CHECK (recipe IS NOT NULL OR status = 'rejected'),
    CONSTRAINT only_a_duplicate_names_another_attempt CHECK ((status = 'duplicate') = (duplicate_of IS NOT NULL)),
    CONSTRAINT a_duplicate_names_an_earlier_attempt CHECK (duplicate_of < id),
    CONSTRAINT a_failure_has_a_reason
        CHECK (status NOT IN ('rejected', 'failed', 'diverged', 'timeout') OR reason <> ''),
    CONSTRAINT only_a_measured_attempt_has_a_score
        CHECK (score IS NULL OR status IN ('screened', 'evaluated')),
    CONSTRAINT an_evaluated_attempt_has_a_score CHECK (score IS NOT NULL OR status <> 'evaluated'),
    CONSTRAINT a_score_is_finite CHECK (abs(score) < 9e999)
) STRICT;
INSERT INTO "attempts" VALUES(1,1,'seed','evaluated','','ec3019106ebfc528',NULL,'llama',1.06064690479088818975e+00,3,'attention',30368,72134,16384,1.50084676332577753726e-02,'2026-11-21T22:41:06.898+00:00',4.22801541500666644424e+00);
INSERT INTO "attempts" VALUES(2,1,'seed','evaluated','','0f84f21539ec086b',NULL,'mamba2',9.2284335965042951777e-01,3,'linear',30016,111095,29952,4.24906883667669418858e-02,'2026-11-21T22:41:06.898+00:00',7.49360679599340073764e+00);
INSERT INTO "attempts" VALUES(3,1,'seed','evaluated','','863ccfbc47c48e58',NULL,'rwkv4',8.20548161924102292807e-01,3,'convolution+recurrence',30016,62004,1536,2.32912556666027142915e-02,'2026-11-21T22:41:06.898+00:00',4.34965246900537749752e+00);
INSERT INTO "attempts" VALUES(4,1,'seed','evaluated','','08d5fcf5d5deb2cb',NULL,'gated_deltanet',2.76801579407969455814e-01,3,'delta',30704,87900,4352,2.57845053999820571222e-02,'2026-11-21T22:41:06.898+00:00',3.17891514100483618676e+00);
INSERT INTO "attempts" VALUES(5,2,'sweep','screened','not among the most promising after rung 1','ae1177c8cc60b220',NULL,'set learning_rate to 0.004 of adamw in training',-5.71057666956521159384e-01,1,'attention',30368,72134,16384,0.085586607332516,'2026-11-21T22:41:18.265+00:00',1.03827266499865800142e+00);
INSERT INTO "attempts" VALUES(6,2,'remove_gene','evaluated','','c1089828213eaadf',NULL,'set weight_decay to 0.3 of adamw in training',1.01671296364018082236e+00,3,'attention',30336,72006,16384,5.83414680334196147915e-02,'2026-11-21T22:41:18.265+00:00',6.58494733001134591177e+00);
INSERT INTO "attempts" VALUES(7,2,'replace_mixer','screened','not among the most promising after rung 0','8dddc6b67db95720',NULL,'insert relu_mlp at 3.0.0',-1.87510325663712151822e+00,0,'attention+recurrence',30592,67344,8320,3.34327200034749694168e-02,'2026-11-21T22:41:18.265+00:00',1.82146720399759942665e+00);
INSERT INTO "attempts" VALUES(8,2,'change_training','screened','not among the most promising after rung 0','a3d7c6bbf0b2ffec',NULL,'replace adamw by muon in training',-1.77237406685549547802e+00,0,'attention',30368,72134,16384,6.55277995028882287442e-02,'2026-11-21T22:41:18.265+00:00',1.64850857300189090892e+00);
CREATE TABLE components (
    name TEXT PRIMARY KEY NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('library', 'derived', 'proposed')),
    arxiv TEXT,
    first_attempt INTEGER REFERENCES attempts(id)
) STRICT;
INSERT INTO "components" VALUES('plain_attention','56c28c2a2a0da112','mixer','def plain_attention(x, heads: choice(1, 2, 4, 8) = 4, bias: flag = False) -> mixer:
    """Compare a query with every earlier key and average the values by how well they match."""
    q = split_heads(linear(x, bias=bias), heads)
    k = split_heads(linear(x, bias=bias), heads)
    v = split_heads(linear(x, bias=bias), heads)
    return linear(merge_heads(attend(q, k, v)), bias=bias)
','library','1706.03762',NULL);
INSERT INTO "components" VALUES('attention','3303991785892631','mixer','def attention(x, heads: choice(1, 2, 4, 8) = 4, base: choice(100.0, 1000.0, 10000.0) = 10000.0) -> mixer:
    """Rotate queries and keys by their positions, so that a match depends on the distance alone."""
    q = rope(split_heads(linear(x), heads), base=base)
    k = rope(split_heads(linear(x), heads), base=base)
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)))
','library','2104.09864',NULL);
INSERT INTO "components" VALUES('grouped_query_attention','a5fdfb5b0abdb7a8','mixer','def grouped_query_attention(x, heads: choice(4, 8) = 4, sharing: choice(2, 4) = 2) -> mixer:
    """Groups of query heads share their keys and values: most of the quality at a fraction of the cache."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x, features=width // sharing), heads // sharing))
    v = split_heads(linear(x, features=width // sharing), heads // sharing)
    return linear(merge_heads(attend(q, k, v)))
','library','2305.13245',NULL);
INSERT INTO "components" VALUES('multi_query_attention','c8fb3e6dc5d2b07c','mixer','def multi_query_attention(x, heads: choice(2, 4, 8) = 4) -> mixer:
    """All query heads read one head of keys and values, which makes decoding light on memory."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x, features=width // heads), 1))
    v = split_heads(linear(x, features=width // heads), 1)
    return linear(merge_heads(attend(q, k, v)))
','library','1911.02150',NULL);
INSERT INTO "components" VALUES('multi_head_latent_attention','ef89cfbdb9b0b8e7','mixer','def multi_head_latent_attention(x, heads: choice(1, 2, 4, 8) = 4, ratio: choice(2, 4, 8) = 2, rotary: choice(4, 8, 16) = 8) -> mixer:
    """Rebuild keys and values of all heads from one narrow latent; a few shared features carry positions."""
    q = split_heads(linear(x), heads)
    q_rotary = rope(split_heads(linear(x, features=heads * rotary), heads))
    latent = gain(rms_normalize(linear(x, features=width // ratio)))
    k = split_heads(linear(latent, features=width), heads)
    v = split_heads(linear(latent, features=width), heads)
    k_rotary = rope(split_heads(repeat(linear(x, features=rotary), heads), heads))
    return linear(merge_heads(attend(concat(q, q_rotary), concat(k, k_rotary), v)))
','library','2405.04434',NULL);
INSERT INTO "components" VALUES('sliding_window_attention','e8c2693ed0e150c0','mixer','def sliding_window_attention(x, heads: choice(1, 2, 4, 8) = 4, window: choice(8, 16, 32, 64, 128) = 32) -> mixer:
    """Look only at the last few positions; depth carries information further back."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v, window=window)))
','library','2310.06825',NULL);
INSERT INTO "components" VALUES('alibi_attention','6f16ca9fe6497185','mixer','def alibi_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Lower scores in proportion to distance, each head at its own rate, and longer inputs stay familiar."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v, alibi=True)))
','library','2108.12409',NULL);
INSERT INTO "components" VALUES('query_key_norm_attention','e36e3139246618a8','mixer','def query_key_norm_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Compare directions only and learn how sharp the comparison is, so that scores cannot run away."""
    q = rope(gain(l2_normalize(split_heads(linear(x), heads)), initial=8.0))
    k = rope(l2_normalize(split_heads(linear(x), heads)))
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v, scale=1.0)))
','library','2010.04245',NULL);
INSERT INTO "components" VALUES('differential_attention','8fd0b605633e5443','mixer','def differential_attention(x, heads: choice(1, 2, 4) = 2, strength: choice(0.2, 0.5, 0.8) = 0.5) -> mixer:
    """Subtract a second attention map from the first, so that what both attend to by mistake cancels."""
    q_first = rope(split_heads(linear(x, features=width // 2), heads))
    k_first = rope(split_heads(linear(x, features=width // 2), heads))
    q_second = rope(split_heads(linear(x, features=width // 2), heads))
    k_second = rope(split_heads(linear(x, features=width // 2), heads))
    v = split_heads(linear(x), heads)
    rise = exp(total(weight(width // (2 * heads), scale=0.1) * weight(width // (2 * heads), scale=0.1)))
    fall = exp(total(weight(width // (2 * heads), scale=0.1) * weight(width // (2 * heads), scale=0.1)))
    difference = attend(q_first, k_first, v) - (rise - fall + strength) * attend(q_second, k_second, v)
    return linear(merge_heads(gain(rms_normalize(difference))) * (1 - strength))
','library','2410.05258',NULL);
INSERT INTO "components" VALUES('gated_attention','2f3f66e32463e54e','mixer','def gated_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """A sigmoid gate on what attention returns lets a head say nothing, without a sink to attend to."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)) * sigmoid(linear(x)))
','library','2505.06708',NULL);
INSERT INTO "components" VALUES('forgetting_attention','492ffcb50775c4a7','mixer','def forgetting_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Forget gates between two positions lower their score, so that recency is learned from the data."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    forget = log_sigmoid(linear(x, features=heads) + offset(ramp(heads, 1.0, 6.0)))
    return linear(merge_heads(attend(q, k, v, log_decay=forget)))
','library','2503.02130',NULL);
INSERT INTO "components" VALUES('convolved_attention','8970ec658347fd88','mixer','def convolved_attention(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 3) -> mixer:
    """A short filter on queries, keys and values lets one layer match on what came just before."""
    q = rope(split_heads(causal_conv(linear(x), kernel=kernel), heads))
    k = rope(split_heads(causal_conv(linear(x), kernel=kernel), heads))
    v = split_heads(causal_conv(linear(x), kernel=kernel), heads)
    return linear(merge_heads(attend(q, k, v)))
','library','2109.08668',NULL);
INSERT INTO "components" VALUES('shifted_key_value_attention','6475b971eb4a99b2','mixer','def shifted_key_value_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Mix each key and value with its predecessor''s by learned amounts, and one layer can do induction."""
    q = rope(split_heads(linear(x), heads))
    keys = split_heads(linear(x), heads)
    values = split_heads(linear(x), heads)
    keep_key = weight(heads, 1, initial=''ones'', scale=0.5)
    keep_value = weight(heads, 1, initial=''ones'', scale=0.5)
    shift_key = weight(heads, 1, initial=''ones'', scale=0.5)
    shift_value = weight(heads, 1, initial=''ones'', scale=0.5)
    k = rope(keep_key * keys + shift_key * shift(keys))
    v = keep_value * values + shift_value * shift(values)
    return linear(merge_heads(attend(q, k, v)))
','library','2411.19574',NULL);
INSERT INTO "components" VALUES('value_residual_attention','4a68841b715eb82a','mixer','def value_residual_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Mix the first layer''s values into those of later layers, where token detail is otherwise washed out."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    own = linear(x)
    first = share(shared(own, ''values''), ''values'')
    v = split_heads((own + gain(first)) / 2, heads)
    return linear(merge_heads(attend(q, k, v)))
','library','2410.17897',NULL);
INSERT INTO "components" VALUES('cross_layer_attention','ae0267ce0b273ac5','mixer','def cross_layer_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Later layers ask new questions of the keys and values that an earlier layer already stored."""
    q = rope(split_heads(linear(x), heads))
    keys = share(shared(linear(x), ''keys''), ''keys'')
    values = share(shared(linear(x), ''cached values''), ''cached values'')
    return linear(merge_heads(attend(q, rope(split_heads(keys, heads)), split_heads(values, heads))))
','library','2405.12981',NULL);
INSERT INTO "components" VALUES('relu_mlp','5ce6e5914af1a403','channel','def relu_mlp(x, bias: flag = True) -> channel:
    """Two matrices with a rectifier between them: a memory of patterns and of what they should add."""
    return linear(relu(linear(x, features=hidden, bias=bias)), features=width, bias=bias)
','library','1706.03762',NULL);
INSERT INTO "components" VALUES('gelu_mlp','a367c4d6d8488887','channel','def gelu_mlp(x, bias: flag = False) -> channel:
    """Weigh a unit by how likely it is to be large, in place of a hard threshold."""
    return linear(gelu(linear(x, features=hidden, bias=bias)), features=width, bias=bias)
','library','1606.08415',NULL);
INSERT INTO "components" VALUES('relu_squared_mlp','419b5c7d791f655f','channel','def relu_squared_mlp(x) -> channel:
    """Squaring the rectified units gives the interactions of a gate without its third matrix."""
    return linear(square(relu(linear(x, features=hidden))), features=width)
','library','2109.08668',NULL);
INSERT INTO "components" VALUES('sigmoid_glu','b0f511f1cd51efd9','channel','def sigmoid_glu(x) -> channel:
    """A sigmoid gate of its own lets each hidden unit be switched by the input."""
    return linear(sigmoid(linear(x, features=hidden)) * linear(x, features=hidden), features=width)
','library','1612.08083',NULL);
INSERT INTO "components" VALUES('swiglu','a934bae800f33123','channel','def swiglu(x) -> channel:
    """Gate one projection by the smooth rectifier of another: products of features, cheaply."""
    return linear(silu(linear(x, features=hidden)) * linear(x, features=hidden), features=width)
','library','2002.05202',NULL);
INSERT INTO "components" VALUES('geglu','a523475ecbb32a35','channel','def geglu(x) -> channel:
    """A gate with the normal distribution''s curve, near zero but not silent for negative inputs."""
    return linear(gelu(linear(x, features=hidden)) * linear(x, features=hidden), features=width)
','library','2002.05202',NULL);
INSERT INTO "components" VALUES('reglu','f8701ff40ff5427e','channel','def reglu(x) -> channel:
    """A rectified gate leaves many hidden units exactly silent."""
    return linear(relu(linear(x, features=hidden)) * linear(x, features=hidden), features=width)
','library','2002.05202',NULL);
INSERT INTO "components" VALUES('bilinear_glu','d9ba0b16acd68faf','channel','def bilinear_glu(x) -> channel:
    """A plain product of two projections already improves on one curve."""
    return linear(linear(x, features=hidden) * linear(x, features=hidden), features=width)
','library','2002.05202',NULL);
INSERT INTO "components" VALUES('low_rank_mlp','dd5bb92563118a61','channel','def low_rank_mlp(x, ratio: choice(2, 4) = 2) -> channel:
    """Factor both matrices through a narrow waist and spend the savings on more hidden units."""
    inner = gelu(linear(linear(x, features=width // ratio), features=2 * hidden))
    return linear(linear(inner, features=width // ratio), features=width)
','library','2406.16450',NULL);
INSERT INTO "components" VALUES('mixture_of_experts_mlp','ca8dcd2835eb4346','channel','def mixture_of_experts_mlp(x, experts: choice(4, 8) = 4, active: choice(1, 2, 3) = 2, balance: log_range(0.0001, 0.1) = 0.01) -> channel:
    """Send each token to the few experts that suit it; a penalty on neglected experts keeps all in use."""
    scores = linear(x, features=experts)
    neglect = -mean(log(softmax(scores) + 0.0001))
    gates = softmax(top_k(scores, active))
    return penalty(mixture_of_experts(x, gates, hidden // experts), neglect, weight=balance)
','library','1701.06538',NULL);
INSERT INTO "components" VALUES('shared_expert_mlp','7d4a1e952ba7172e','channel','def shared_expert_mlp(x, experts: choice(4, 8) = 4, active: choice(1, 2, 3) = 2, balance: log_range(0.0001, 0.1) = 0.01) -> channel:
    """One expert that always runs takes what is common, so that the routed ones can specialise."""
    scores = linear(x, features=experts)
    neglect = -mean(log(softmax(scores) + 0.0001))
    gates = softmax(top_k(scores, active))
    routed = mixture_of_experts(x, gates, hidden // (2 * experts))
    common = linear(silu(linear(x, features=hidden // 2)) * linear(x, features=hidden // 2), features=width)
    return penalty(common + routed, neglect, weight=balance)
','library','2401.06066',NULL);
INSERT INTO "components" VALUES('token_shift','bbde9facc36bcdce','mixer','def token_shift(x) -> mixer:
    """Blend each feature with its value one position ago by a learned amount."""
    return x + (shift(x) - x) * offset(ramp(width, 0.0, 1.0))
','library','2305.13048',NULL);
INSERT INTO "components" VALUES('canon','1e7754c01147e837','mixer','def canon(x, kernel: choice(2, 3, 4, 8) = 4) -> mixer:
    """A weighted sum of the last few positions, with no matrix at all, helps wherever it stands."""
    return causal_conv(x, kernel=kernel)
','library','2512.17351',NULL);
INSERT INTO "components" VALUES('short_gated_convolution','23740a74116e8bd5','mixer','def short_gated_convolution(x, kernel: choice(2, 3, 4, 8) = 3) -> mixer:
    """Gates that read the input before and after a short filter do most of a hybrid''s mixing at little cost."""
    linear_2 = linear(x, features=3 * width)
    before, after, value = split(linear_2, 3)
    return linear(after * causal_conv(before * value, kernel=kernel))
','library','2511.23404',NULL);
INSERT INTO "components" VALUES('gated_convolution','d6d4b1c2743ff5d2','mixer','def gated_convolution(x, kernel: choice(2, 3, 4, 8) = 4) -> mixer:
    """A convolution whose output is gated by another passes gradients like a linear layer."""
    u = causal_conv(linear(x), kernel=kernel)
    return linear(u * sigmoid(causal_conv(linear(x), kernel=kernel)))
','library','1612.08083',NULL);
INSERT INTO "components" VALUES('dynamic_convolution','b2c65be4251c85ba','mixer','def dynamic_convolution(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Predict the weights of a four-position filter from the current position alone."""
    v = split_heads(linear(x) * sigmoid(linear(x)), heads)
    taps = softmax(split_heads(linear(x, features=4 * heads), heads))
    recent = concat(expand(v), expand(shift(v)), expand(shift(v, steps=2)), expand(shift(v, steps=3)))
    return linear(merge_heads(einsum(''hvt,ht->hv'', recent, taps)))
','library','1901.10430',NULL);
INSERT INTO "components" VALUES('hyena','c5a478b2ebafb0b2','mixer','def hyena(x, features: choice(16, 32, 64) = 16, kernel: choice(2, 3, 4) = 3) -> mixer:
    """A small network generates a filter as long as the context; products with the input make it selective."""
    causal_conv_2 = causal_conv(linear(x, features=3 * width), kernel=kernel)
    first, second, value = split(causal_conv_2, 3)
    inner = sin(linear(sin(linear(sinusoid(features), bias=True)), bias=True))
    window = exp(-absolute(offset(ramp(width, 3.0, 15.0))) * (position() / context))
    response = linear(inner, features=width) * window * sqrt(8 / context)
    u = first * value
    return linear(second * (long_conv(u, response) + gain(u)))
','library','2302.10866',NULL);
INSERT INTO "components" VALUES('long_convolution','7e17a24e5054b8e3','mixer','def long_convolution(x, threshold: log_range(0.0001, 0.02) = 0.003) -> mixer:
    """Learn the long filter outright, decaying at first, and squash its small values to keep it smooth."""
    decay = exp(-absolute(offset(ramp(width, 1.0, 16.0))) * (position() / context))
    taps = position_embedding() * decay
    squashed = relu(taps - threshold) - relu(-taps - threshold)
    return linear(silu(long_conv(x, squashed) + gain(x)))
','library','2302.06646',NULL);
INSERT INTO "components" VALUES('average_attention','f4422e629903b38c','mixer','def average_attention(x) -> mixer:
    """The plain mean of all earlier positions, gated against the current one, replaces learned weights."""
    average = linear(silu(linear(cumulative_sum(x) / (position() + 1))))
    both = concat(x, average)
    return sigmoid(linear(both, features=width)) * x + sigmoid(linear(both, features=width)) * average
','library','1805.00631',NULL);
INSERT INTO "components" VALUES('delta_net','1a5a349ef00dc5c7','mixer','def delta_net(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Before writing a value, remove what its key recalls, so that keys can be reused without blur."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads)
    beta = sigmoid(linear(x, features=heads))
    return linear(merge_heads(gain(rms_normalize(delta_rule(q, k, v, beta)))))
','library','2406.06484',NULL);
INSERT INTO "components" VALUES('reflecting_delta_net','8ec69424682d412e','mixer','def reflecting_delta_net(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Correcting by up to twice the error can flip the sign of what is stored, which counting and parity need."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads)
    beta = 2 * sigmoid(linear(x, features=heads))
    return linear(merge_heads(gain(rms_normalize(delta_rule(q, k, v, beta)))))
','library','2411.12537',NULL);
INSERT INTO "components" VALUES('gated_delta_net','3264d478e1823fe1','mixer','def gated_delta_net(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """A decay clears the whole memory quickly, the delta rule edits one entry precisely: use both."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel=kernel)), heads)
    beta = sigmoid(linear(x, features=heads))
    step = softplus(linear(x, features=heads) + offset(ramp(heads, -6.9, -2.3)))
    decay = -(step * exp(offset(ramp(heads, 0.0, 2.77))))
    y = gain(rms_normalize(delta_rule(q, k, v, beta, log_decay=decay)))
    return linear(merge_heads(y) * silu(linear(x)))
','library','2412.06464',NULL);
INSERT INTO "components" VALUES('token_embedding','9f1e21a0f051bbad','embedding','def token_embedding(tokens, spread: log_range(0.01, 1.0) = 0.02) -> embedding:
    """A learned vector per token, drawn small enough for the first updates to move it."""
    return lookup(weight(vocabulary, width, scale=spread), tokens)
','library','1301.3781',NULL);
INSERT INTO "components" VALUES('tied_embedding','72cbc2f96dbd6bb5','embedding','def tied_embedding(tokens, spread: log_range(0.01, 1.0) = 0.05) -> embedding:
    """Offer the table of token vectors to the head, which then needs no table of its own."""
    table = share(weight(vocabulary, width, scale=spread), ''embedding'')
    return lookup(table, tokens)
','library','1608.05859',NULL);
INSERT INTO "components" VALUES('factorized_embedding','72c7041688f5a0c5','embedding','def factorized_embedding(tokens, ratio: choice(2, 4, 8) = 4) -> embedding:
    """Look tokens up in a narrow table and widen the result, since words need fewer numbers than contexts."""
    return linear(lookup(weight(vocabulary, width // ratio, scale=1.0), tokens), features=width)
','library','1909.11942',NULL);
INSERT INTO "components" VALUES('normalized_embedding','575c86dc3c0880ea','embedding','def normalized_embedding(tokens, spread: log_range(0.01, 1.0) = 0.1) -> embedding:
    """Normalise right after the lookup, so that rare large vectors cannot upset early training."""
    return offset(gain(standardize(lookup(weight(vocabulary, width, scale=spread), tokens))))
','library','2211.05100',NULL);
INSERT INTO "components" VALUES('linear_head','6c04e8ed75301987','head','def linear_head(x) -> head:
    """Score every token by a learned vector of its own."""
    return linear(x, features=vocabulary)
','library','1706.03762',NULL);
INSERT INTO "components" VALUES('tied_head','6f04b23d3ee5bf11','head','def tied_head(x) -> head:
    """Score tokens by the vectors that embed them: one table learns from both uses."""
    table = shared(weight(vocabulary, width, scale=0.05), ''embedding'')
    return einsum(''vd,d->v'', table, x)
','library','1608.05859',NULL);
INSERT INTO "components" VALUES('soft_capped_head','9fcad683f82d20fa','head','def soft_capped_head(x, cap: choice(10.0, 15.0, 30.0) = 30.0) -> head:
    """Bend scores smoothly below a cap, so that no token can become arbitrarily certain."""
    return cap * tanh(linear(x, features=vocabulary) / cap)
','library','2408.00118',NULL);
INSERT INTO "components" VALUES('parallel_hybrid_heads','7111a06a7e7f2f18','mixer','def parallel_hybrid_heads(x, heads: choice(1, 2, 4, 8) = 4, window: choice(8, 16, 32, 64) = 32) -> mixer:
    """Attention heads keep exact details while state-space heads beside them summarise the same input."""
    exact_q = rope(split_heads(linear(x), heads))
    exact_k = rope(split_heads(linear(x), heads))
    exact_v = split_heads(linear(x), heads)
    exact = gain(rms_normalize(linear(merge_heads(attend(exact_q, exact_k, exact_v, window=window)))))
    summary_v = split_heads(silu(causal_conv(linear(x, features=hidden), kernel=1)), heads)
    summary_k = silu(causal_conv(linear(x, features=16), kernel=1))
    summary_q = silu(causal_conv(linear(x, features=16), kernel=1))
    summary_step = softplus(linear(x, features=heads) + offset(ramp(heads, -6.9, -2.3)))
    summary_rate = exp(offset(ramp(heads, 0.0, 2.77)))
    summary_q_shared = split_heads(repeat(summary_q, heads), heads)
    summary_k_shared = split_heads(repeat(summary_k, heads), heads)
    summary_y = linear_attention(summary_q_shared, summary_k_shared, summary_v * expand(summary_step), log_decay=-(summary_step * summary_rate))
    linear_2 = linear(gain(rms_normalize(merge_heads(summary_y + gain(summary_v)) * silu(linear(x, features=hidden)))), features=width)
    summary = gain(rms_normalize(linear_2))
    return linear((exact + summary) / 2)
','library','2411.13676',NULL);
INSERT INTO "components" VALUES('local_and_linear_attention','f464711a29a561ee','mixer','def local_and_linear_attention(x, heads: choice(1, 2, 4, 8) = 4, window: choice(8, 16, 32, 64) = 16, features: choice(4, 8) = 4) -> mixer:
    """A small exact window for what is near and a fixed-size summary for what is far, added."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x), heads)
    sqrt_2 = sqrt(sqrt(features))
    q_2 = split_heads(linear(x, features=heads * features), heads) / sqrt_2
    k_2 = split_heads(linear(x, features=heads * features), heads) / sqrt_2
    v_2 = split_heads(linear(x), heads)
    one = expand(ramp(heads, 1.0, 1.0))
    sqrt_3 = sqrt(2)
    q_series = concat(one, q_2, merge_heads(einsum(''hi,hj->hij'', q_2, q_2)) / sqrt_3)
    k_series = concat(one, k_2, merge_heads(einsum(''hi,hj->hij'', k_2, k_2)) / sqrt_3)
    weights = linear_attention(q_series, k_series, one)
    return linear(merge_heads(attend(q, k, v, window=window))) + linear(merge_heads(linear_attention(q_series, k_series, v_2) / weights))
','library','2402.18668',NULL);
INSERT INTO "components" VALUES('path_gate_fusion','d5a18fd98b0e2702','mixer','def path_gate_fusion(x, heads: choice(1, 2, 4, 8) = 4, short: choice(2, 3, 5) = 3, long: choice(15, 31, 63) = 31) -> mixer:
    """A router weighs copying, short and long filters and a delta memory for each head and token."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    memory = delta_rule(q, k, v, sigmoid(linear(x, features=heads)))
    paths = concat(expand(v), expand(causal_conv(v, kernel=short)), expand(causal_conv(v, kernel=long)), expand(memory))
    routes = softmax(split_heads(linear(gelu(linear(x)), features=4 * heads, bias=True), heads))
    y = einsum(''hvp,hp->hv'', paths, routes)
    return linear(merge_heads(gain(rms_normalize(y))))
','library','2507.18074',NULL);
INSERT INTO "components" VALUES('fusion_gated_filters','38fc4129bf34c590','mixer','def fusion_gated_filters(x, heads: choice(1, 2, 4, 8) = 4, short: choice(2, 3, 5) = 3, long: choice(15, 31, 63) = 31) -> mixer:
    """Independent sigmoid gates let several paths speak at once, where a softmax would make them compete."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    kept = log_sigmoid(linear(x, features=heads) + offset(ramp(heads, 2.0, 6.0)))
    memory = delta_rule(q, k, v, sigmoid(linear(x, features=heads)), log_decay=kept)
    paths = concat(expand(v), expand(causal_conv(v, kernel=short)), expand(causal_conv(v, kernel=long)), expand(memory))
    gates = sigmoid(split_heads(linear(x, features=4 * heads, bias=True), heads))
    y = einsum(''hvp,hp->hv'', paths, gates)
    return linear(merge_heads(gain(rms_normalize(y))) * silu(linear(x)))
','library','2507.18074',NULL);
INSERT INTO "components" VALUES('plain_linear_attention','985047622e932f97','mixer','def plain_linear_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """With positive features in place of the exponential, attention is a running sum of constant size."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    q_positive = exp(minimum(q, 0)) + relu(q)
    k_positive = exp(minimum(k, 0)) + relu(k)
    weights = linear_attention(q_positive, k_positive, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_positive, k_positive, v) / weights))
','library','2006.16236',NULL);
INSERT INTO "components" VALUES('taylor_linear_attention','0bc96b6f0b8a735e','mixer','def taylor_linear_attention(x, heads: choice(1, 2, 4, 8) = 4, features: choice(4, 8, 16) = 8) -> mixer:
    """The exponential''s second-order series, written as features, keeps attention''s sharpness in a fixed state."""
    sqrt_2 = sqrt(sqrt(features))
    q = split_heads(linear(x, features=heads * features), heads) / sqrt_2
    k = split_heads(linear(x, features=heads * features), heads) / sqrt_2
    v = split_heads(linear(x), heads)
    one = expand(ramp(heads, 1.0, 1.0))
    sqrt_3 = sqrt(2)
    q_series = concat(one, q, merge_heads(einsum(''hi,hj->hij'', q, q)) / sqrt_3)
    k_series = concat(one, k, merge_heads(einsum(''hi,hj->hij'', k, k)) / sqrt_3)
    weights = linear_attention(q_series, k_series, one)
    return linear(merge_heads(linear_attention(q_series, k_series, v) / weights))
','library','2402.18668',NULL);
INSERT INTO "components" VALUES('learned_quadratic_attention','b64e784946360ea4','mixer','def learned_quadratic_attention(x, heads: choice(1, 2, 4, 8) = 4, features: choice(4, 8, 16) = 8) -> mixer:
    """Squaring a learned affine map of normalised features lets a score reach zero, which ignoring needs."""
    sqrt_2 = sqrt(features)
    q = offset(gain(rms_normalize(split_heads(linear(x, features=heads * features), heads)))) / sqrt_2
    k = offset(gain(rms_normalize(split_heads(linear(x, features=heads * features), heads)))) / sqrt_2
    v = split_heads(linear(x), heads)
    q_pairs = merge_heads(einsum(''hi,hj->hij'', q, q))
    k_pairs = merge_heads(einsum(''hi,hj->hij'', k, k))
    weights = linear_attention(q_pairs, k_pairs, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_pairs, k_pairs, v) / (weights + 0.0001)))
','library','2402.10644',NULL);
INSERT INTO "components" VALUES('softmax_feature_attention','76b1ddce7c90b2fd','mixer','def softmax_feature_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Learned features that pass a softmax are spiky, and linear attention over them nearly as selective."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    q_map = linear(q)
    k_map = linear(k)
    q_spiky = softmax(concat(q_map, -q_map))
    k_spiky = softmax(concat(k_map, -k_map))
    weights = linear_attention(q_spiky, k_spiky, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_spiky, k_spiky, v) / (weights + 0.0001)))
','library','2402.04347',NULL);
INSERT INTO "components" VALUES('retention','50e1b9ad5dcdda48','mixer','def retention(x, heads: choice(1, 2, 4, 8) = 4, expansion: choice(1, 2) = 2) -> mixer:
    """Each head forgets at its own fixed rate, and normalised heads need no softmax."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x, features=expansion * width), heads)
    decay = log(1 - exp(ramp(heads, -3.4657, -6.2383)))
    y = rms_normalize(linear_attention(q, k, v, log_decay=decay))
    return linear(merge_heads(y) * silu(linear(x, features=expansion * width)), features=width)
','library','2307.08621',NULL);
INSERT INTO "components" VALUES('gated_linear_attention','f3894ab918759f12','mixer','def gated_linear_attention(x, heads: choice(1, 2, 4, 8) = 4, rank: choice(4, 8, 16) = 16) -> mixer:
    """Decay each channel of the state by a gate that reads the input."""
    q = split_heads(linear(x, features=width // 2), heads)
    k = split_heads(linear(x, features=width // 2), heads)
    v = split_heads(linear(x), heads)
    decay = split_heads(log_sigmoid(linear(linear(x, features=rank), features=width // 2, bias=True)) / 16, heads)
    y = gain(rms_normalize(linear_attention(q, k, v, log_decay=decay)))
    return linear(merge_heads(y) * silu(linear(x)))
','library','2312.06635',NULL);
INSERT INTO "components" VALUES('hgrn2','592a51369d250853','mixer','def hgrn2(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Write with what the forget gate leaves free, so that key and decay are one vector."""
    q = split_heads(silu(linear(x)), heads)
    floor = sigmoid(offset(ramp(width, -2.0, 3.0)))
    k = split_heads((1 - floor) * (1 - sigmoid(linear(x))), heads)
    v = split_heads(linear(x), heads)
    y = linear_attention(q, k, v, log_decay=log(1 - k))
    return linear(gain(rms_normalize(merge_heads(y))))
','library','2404.07904',NULL);
INSERT INTO "components" VALUES('matrix_lstm','6bb398cc344215b6','mixer','def matrix_lstm(x, heads: choice(1, 2, 4, 8) = 4, expansion: choice(1, 2) = 1, kernel: choice(2, 3, 4) = 4) -> mixer:
    """A matrix memory with exponential input gates can revise how much earlier writes count."""
    u = linear(x, features=expansion * width)
    local = silu(causal_conv(u, kernel=kernel))
    q = split_heads(linear(local), heads)
    k = split_heads(linear(local), heads)
    v = split_heads(linear(u), heads)
    forget = log_sigmoid(linear(x, features=heads) + offset(ramp(heads, 3.0, 6.0)))
    written = k * expand(exp(8 * tanh(linear(x, features=heads) / 8)))
    counted = linear_attention(q, written, expand(ramp(heads, 1.0, 1.0)), log_decay=forget)
    y = linear_attention(q, written, v, log_decay=forget) / maximum(absolute(counted), 1)
    return linear((merge_heads(gain(rms_normalize(y))) + gain(local)) * silu(linear(x, features=expansion * width)), features=width)
','library','2405.04517',NULL);
INSERT INTO "components" VALUES('rwkv6_time_mixing','5e3d48d70d6e9912','mixer','def rwkv6_time_mixing(x, heads: choice(1, 2, 4, 8) = 4, rank: choice(4, 8, 16) = 16) -> mixer:
    """Channels decay by rates that read the input, and the current token enters with a bonus of its own."""
    subtract_2 = shift(x) - x
    ramp_2 = ramp(width, 0.0, 1.0)
    r = split_heads(linear(x + subtract_2 * offset(ramp_2)), heads)
    k = split_heads(linear(x + subtract_2 * offset(ramp_2)), heads)
    v = split_heads(linear(x + subtract_2 * offset(ramp_2)), heads)
    g = silu(linear(x + subtract_2 * offset(ramp_2)))
    adapted = linear(tanh(linear(x + subtract_2 * offset(ramp_2), features=rank)), features=width) + offset(ramp(width, -6.0, -1.0))
    decay = split_heads(-exp(minimum(adapted, 2)), heads)
    past = linear_attention(r, shift(k), shift(v), log_decay=shift(decay))
    bonus = weight(heads, width // heads, initial=''ones'', scale=0.5)
    now = v * expand(einsum(''hk,hk->h'', r * bonus, k)) / sqrt(width // heads)
    return linear(merge_heads(gain(rms_normalize(past + now))) * g)
','library','2404.05892',NULL);
INSERT INTO "components" VALUES('attention_free','30cd87fbdab68e58','mixer','def attention_free(x) -> mixer:
    """Average all earlier values with positive weights from the keys alone, and gate the result."""
    k = exp(8 * tanh(linear(x) / 8))
    average = cumulative_sum(k * linear(x)) / cumulative_sum(k)
    return linear(sigmoid(linear(x)) * average)
','library','2105.14103',NULL);
INSERT INTO "components" VALUES('add_merge','e0a591a08288c42e','merge','def add_merge(left, right) -> merge:
    """Compute branches side by side from the same input and add them."""
    return left + right
','library','2204.02311',NULL);
INSERT INTO "components" VALUES('mean_merge','b516f5c022fac3f8','merge','def mean_merge(left, right) -> merge:
    """Average paths, so that each alone must be worth reading."""
    return (left + right) / 2
','library','1605.07648',NULL);
INSERT INTO "components" VALUES('normalized_mean_merge','9c99fdbbb0ff0566','merge','def normalized_mean_merge(left, right) -> merge:
    """Normalise each path before the average, since recurrent and attention outputs differ in size."""
    return (gain(rms_normalize(left)) + gain(rms_normalize(right))) / 2
','library','2411.13676',NULL);
INSERT INTO "components" VALUES('gated_merge','899cca94858a6f1a','merge','def gated_merge(left, right) -> merge:
    """A gate that sees both paths picks between them, feature by feature."""
    gate = sigmoid(linear(concat(left, right), features=width))
    return gate * left + (1 - gate) * right
','library','1702.01992',NULL);
INSERT INTO "components" VALUES('concat_merge','090a466e763936ab','merge','def concat_merge(left, right) -> merge:
    """Put local and global paths side by side and let a matrix mix their features."""
    return linear(concat(left, right), features=width)
','library','2207.02971',NULL);
INSERT INTO "components" VALUES('product_merge','3fcf81b1ee3049d6','merge','def product_merge(left, right) -> merge:
    """One path gates the other by multiplication."""
    return left * silu(right)
','library','1612.08083',NULL);
INSERT INTO "components" VALUES('rms_norm','fd79068b60508168','norm','def rms_norm(x) -> norm:
    """Rescaling is what normalisation is needed for; subtracting the mean can be left out."""
    return gain(rms_normalize(x))
','library','1910.07467',NULL);
INSERT INTO "components" VALUES('layer_norm','5c427e4be863320a','norm','def layer_norm(x) -> norm:
    """Normalise over the features of one example, independent of batch and length."""
    return offset(gain(standardize(x)))
','library','1607.06450',NULL);
INSERT INTO "components" VALUES('dynamic_tanh','7baab4058d0e6d40','norm','def dynamic_tanh(x) -> norm:
    """Layer norm acts like a squashing curve, so a tanh with a learned slope can stand in for it."""
    slope = weight(1, initial=''ones'', scale=0.5)
    return offset(gain(tanh(slope * x)))
','library','2503.10622',NULL);
INSERT INTO "components" VALUES('sinusoidal_positions','b034d066e3e47cc7','position','def sinusoidal_positions(x) -> position:
    """Add fixed waves of many periods, from which relative offsets are linear to read."""
    return x + sinusoid(width)
','library','1706.03762',NULL);
INSERT INTO "components" VALUES('learned_positions','dad9974c27d9c4c5','position','def learned_positions(x) -> position:
    """Add a learned vector for every place in the context."""
    return x + position_embedding()
','library','',NULL);
INSERT INTO "components" VALUES('scaled_sinusoidal_positions','e16c1e0ba271f61c','position','def scaled_sinusoidal_positions(x) -> position:
    """Let a learned number decide how loud the positional waves are."""
    return x + sinusoid(width) * weight(1, initial=''ones'', scale=0.1)
','library','2202.10447',NULL);
INSERT INTO "components" VALUES('convolutional_positions','72b16f25b70d8782','position','def convolutional_positions(x, kernel: choice(2, 3, 4, 8) = 4) -> position:
    """A short filter over neighbours tells positions apart at any length."""
    return x + causal_conv(x, kernel=kernel)
','library','2102.10882',NULL);
INSERT INTO "components" VALUES('quasi_recurrence','fe675c7bd4dca8e2','mixer','def quasi_recurrence(x) -> mixer:
    """Compute all gates from two neighbouring inputs at once and leave only a blend to the recurrence."""
    pair = concat(x, shift(x))
    forget = sigmoid(linear(pair, features=width, bias=True))
    state = linear_scan(forget, (1 - forget) * tanh(linear(pair, features=width)))
    return linear(sigmoid(linear(pair, features=width)) * state)
','library','1611.01576',NULL);
INSERT INTO "components" VALUES('simple_recurrent_unit','09edfa9ccaaed20f','mixer','def simple_recurrent_unit(x) -> mixer:
    """A light recurrence with a highway around it keeps depth trainable."""
    forget = sigmoid(linear(x, bias=True))
    state = linear_scan(forget, (1 - forget) * linear(x))
    reset = sigmoid(linear(x, bias=True))
    return reset * state + (1 - reset) * x
','library','1709.02755',NULL);
INSERT INTO "components" VALUES('min_gru','4fa6000b195e314b','mixer','def min_gru(x, expansion: choice(1, 2) = 1) -> mixer:
    """Gates that ignore the previous state make the gated unit a scan, at little loss."""
    update = sigmoid(linear(x, features=expansion * width, bias=True))
    return linear(linear_scan(1 - update, update * linear(x, features=expansion * width)), features=width)
','library','2410.01201',NULL);
INSERT INTO "components" VALUES('min_lstm','f625bdb4818f31e0','mixer','def min_lstm(x, expansion: choice(1, 2) = 1) -> mixer:
    """Forget and input gates that share one sum keep the state''s size independent of time."""
    forget = log_sigmoid(linear(x, features=expansion * width, bias=True))
    write = log_sigmoid(linear(x, features=expansion * width, bias=True))
    kept = sigmoid(forget - write)
    return linear(linear_scan(kept, (1 - kept) * linear(x, features=expansion * width)), features=width)
','library','2410.01201',NULL);
INSERT INTO "components" VALUES('hierarchical_gated_recurrence','46f0ab8702fdc495','mixer','def hierarchical_gated_recurrence(x) -> mixer:
    """Learned floors under the forget gates keep some channels slow, whatever the input says."""
    floor = sigmoid(offset(ramp(width, -2.0, 4.0)))
    forget = 1 - (1 - floor) * (1 - sigmoid(linear(x)))
    state = linear_scan(forget, (1 - forget) * silu(linear(x)))
    return linear(gain(rms_normalize(state)) * silu(linear(x)))
','library','2311.04823',NULL);
INSERT INTO "components" VALUES('real_gated_recurrence','192b88dceb4217bf','mixer','def real_gated_recurrence(x, blocks: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Real decays near one, shortened by a gate, with inputs scaled to keep the state''s size constant."""
    u = causal_conv(linear(x), kernel=kernel)
    parts = split_heads(u, blocks)
    gate = einsum(''hi,hij->hj'', parts, weight(blocks, width // blocks, width // blocks))
    write = einsum(''hi,hij->hj'', parts, weight(blocks, width // blocks, width // blocks))
    rate = softplus(offset(ramp(width, -4.3, -9.0)))
    decay = exp((-8) * rate * sigmoid(merge_heads(gate)))
    size = sqrt(1 - square(decay) + 1e-06)
    state = linear_scan(decay, size * sigmoid(merge_heads(write)) * u)
    return linear(state * gelu(linear(x)))
','library','2402.19427',NULL);
INSERT INTO "components" VALUES('rwkv4_time_mixing','89b6b47f7d066ba9','mixer','def rwkv4_time_mixing(x) -> mixer:
    """A weighted average of the past with decaying weights per channel, in which the current token has a bonus."""
    subtract_2 = shift(x) - x
    ramp_2 = ramp(width, 0.0, 1.0)
    r = sigmoid(linear(x + subtract_2 * offset(ramp_2)))
    k = exp(8 * tanh(linear(x + subtract_2 * offset(ramp_2)) / 8))
    v = linear(x + subtract_2 * offset(ramp_2))
    decay = exp(-exp(offset(ramp(width, -5.0, 3.0))))
    bonus = exp(weight(width, initial=''ones'', scale=-1.2))
    multiply_2 = bonus * k
    values = shift(linear_scan(decay, k * v)) + multiply_2 * v
    weights = shift(linear_scan(decay, k)) + multiply_2
    return linear(r * values / weights)
','library','2305.13048',NULL);
INSERT INTO "components" VALUES('rwkv4_channel_mixing','7100528b433ae050','mixer','def rwkv4_channel_mixing(x) -> mixer:
    """Rectified and squared hidden units that also see the previous position, let through by a gate."""
    subtract_2 = shift(x) - x
    ramp_2 = ramp(width, 0.0, 1.0)
    inner = square(relu(linear(x + subtract_2 * offset(ramp_2), features=hidden)))
    return sigmoid(linear(x + subtract_2 * offset(ramp_2))) * linear(inner, features=width)
','library','2305.13048',NULL);
INSERT INTO "components" VALUES('damped_moving_average','9aab70578032cc86','mixer','def damped_moving_average(x) -> mixer:
    """Damped exponential averages at many rates give every feature a memory of its own length."""
    share_new = sigmoid(offset(ramp(width, -4.0, 2.0)))
    damping = sigmoid(offset(ramp(width, 2.0, 2.0)))
    average = linear_scan(1 - share_new * damping, share_new * x)
    return linear(silu(average + gain(x)))
','library','2209.10655',NULL);
INSERT INTO "components" VALUES('add_residual','257597cd05dc32ca','residual','def add_residual(x, branch) -> residual:
    """Add the branch, so that depth begins as the identity and gradients pass unhindered."""
    return x + branch
','library','1512.03385',NULL);
INSERT INTO "components" VALUES('post_norm_residual','327a611553ba41a2','residual','def post_norm_residual(x, branch) -> residual:
    """Normalise after the addition, so that every layer reads a stream of one size."""
    return offset(gain(standardize(x + branch)))
','library','1706.03762',NULL);
INSERT INTO "components" VALUES('deep_norm_residual','29e014a5b0bd9ff8','residual','def deep_norm_residual(x, branch, weighting: choice(1.5, 2.0, 3.0) = 2.0) -> residual:
    """Weigh the stream above the branch before normalising, which bounds how far an update moves the model."""
    return offset(gain(standardize(weighting * x + branch)))
','library','2203.00555',NULL);
INSERT INTO "components" VALUES('sandwich_residual','0ad68c631b768a19','residual','def sandwich_residual(x, branch) -> residual:
    """Normalise the branch once more before adding it, so that no branch can blow up the stream."""
    return x + gain(rms_normalize(branch))
','library','2105.13290',NULL);
INSERT INTO "components" VALUES('layer_scale_residual','d424231a7016fa3a','residual','def layer_scale_residual(x, branch, initial: log_range(0.01, 1.0) = 0.1) -> residual:
    """Let each feature of a branch enter through a small learned factor."""
    return x + gain(branch, initial=initial)
','library','2103.17239',NULL);
INSERT INTO "components" VALUES('rezero_residual','d3f2cd44ae1c4cf4','residual','def rezero_residual(x, branch) -> residual:
    """Start every branch at exactly zero and learn one number that lets it in."""
    return x + weight(1, initial=''zeros'') * branch
','library','2003.04887',NULL);
INSERT INTO "components" VALUES('highway_residual','846863cdae403bdf','residual','def highway_residual(x, branch) -> residual:
    """A gate that reads the stream decides, feature by feature, between carrying and transforming."""
    transform = sigmoid(offset(linear(x), initial=-1.0))
    return transform * branch + (1 - transform) * x
','library','1505.00387',NULL);
INSERT INTO "components" VALUES('gated_recurrent_residual','59c608c5be37bd4b','residual','def gated_recurrent_residual(x, branch) -> residual:
    """Join stream and branch by a recurrent unit''s gates, biased to pass the stream at first."""
    reset = sigmoid(linear(branch) + linear(x))
    update = sigmoid(offset(linear(branch) + linear(x), initial=-2.0))
    candidate = tanh(linear(branch) + linear(reset * x))
    return (1 - update) * x + update * candidate
','library','1910.06764',NULL);
INSERT INTO "components" VALUES('hypersphere_residual','1c0ecb1d88233a2d','residual','def hypersphere_residual(x, branch, initial: log_range(0.02, 0.5) = 0.1) -> residual:
    """Move along a sphere towards the branch by a learned step per feature."""
    here = rms_normalize(x)
    return rms_normalize(here + gain(rms_normalize(branch) - here, initial=initial))
','library','2410.01131',NULL);
INSERT INTO "components" VALUES('diagonal_state_space','f92ed8da840e44f9','mixer','def diagonal_state_space(x, state: choice(4, 8, 16) = 8) -> mixer:
    """A diagonal linear system is a convolution with a sum of damped waves."""
    step = exp(offset(ramp(width, -6.9, -2.3)))
    damping = exp(offset(ramp(state, -0.7, -0.7)))
    frequency = offset(ramp(state, 0.0, 3.1416 * (state - 1)))
    time = expand(position() * step)
    waves = exp(-(time * damping)) * cos(time * frequency)
    response = einsum(''dn,dn->d'', waves, weight(width, state, scale=1.0)) * step
    return long_conv(x, response) + gain(x)
','library','2206.11893',NULL);
INSERT INTO "components" VALUES('s4d','d238757223d07759','mixer','def s4d(x, state: choice(4, 8, 16) = 8) -> mixer:
    """Damped waves mix positions, then a curve and a gated projection mix features."""
    y_step = exp(offset(ramp(width, -6.9, -2.3)))
    y_damping = exp(offset(ramp(state, -0.7, -0.7)))
    y_frequency = offset(ramp(state, 0.0, 3.1416 * (state - 1)))
    y_time = expand(position() * y_step)
    y_waves = exp(-(y_time * y_damping)) * cos(y_time * y_frequency)
    y_response = einsum(''dn,dn->d'', y_waves, weight(width, state, scale=1.0)) * y_step
    y = gelu(long_conv(x, y_response) + gain(x))
    return linear(y) * sigmoid(linear(y))
','library','2206.11893',NULL);
INSERT INTO "components" VALUES('h3','e1e5cb7fa2a2b355','mixer','def h3(x, state: choice(4, 8, 16) = 8, kernel: choice(2, 4, 8) = 4) -> mixer:
    """A shift that remembers what came before and a long memory, joined by products: recall without attention."""
    q = linear(x)
    k = causal_conv(linear(x), kernel=kernel)
    v = linear(x)
    multiply_2 = k * v
    step = exp(offset(ramp(width, -6.9, -2.3)))
    damping = exp(offset(ramp(state, -0.7, -0.7)))
    frequency = offset(ramp(state, 0.0, 3.1416 * (state - 1)))
    time = expand(position() * step)
    waves = exp(-(time * damping)) * cos(time * frequency)
    response = einsum(''dn,dn->d'', waves, weight(width, state, scale=1.0)) * step
    return linear(q * (long_conv(multiply_2, response) + gain(multiply_2)))
','library','2212.14052',NULL);
INSERT INTO "components" VALUES('linear_recurrent_unit','53b44b8a17968c07','mixer','def linear_recurrent_unit(x, expansion: choice(1, 2) = 1) -> mixer:
    """Rotate and shrink complex states by learned amounts, normalised so that slow states do not grow large."""
    real = linear(x, features=expansion * width)
    imaginary = linear(x, features=expansion * width)
    angle = position() * exp(offset(repeat(ramp(8, -6.0, 0.0), expansion * width // 8)))
    decay = exp(-exp(offset(ramp(expansion * width, -2.25, -6.9))))
    size = sqrt(1 - square(decay) + 1e-06)
    cos_2 = cos(angle)
    sin_2 = sin(angle)
    state_real = linear_scan(decay, (real * cos_2 + imaginary * sin_2) * size)
    state_imaginary = linear_scan(decay, (imaginary * cos_2 - real * sin_2) * size)
    turned_real = state_real * cos_2 - state_imaginary * sin_2
    turned_imaginary = state_real * sin_2 + state_imaginary * cos_2
    y = gelu(linear(concat(turned_real, turned_imaginary), features=width) + gain(x))
    return linear(y) * sigmoid(linear(y))
','library','2303.06349',NULL);
INSERT INTO "components" VALUES('selective_state_space','8681391f581bec0c','mixer','def selective_state_space(x, state: choice(4, 8, 16) = 8, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Let the input set the step of a state space, so that it keeps what matters and skips what does not."""
    u = silu(causal_conv(linear(x, features=hidden), kernel=kernel))
    gate = silu(linear(x, features=hidden))
    step = softplus(linear(linear(u, features=width // 16), features=hidden) + offset(ramp(hidden, -6.9, -2.3)))
    rate = exp(log(ramp(state, 1.0, state)) + weight(hidden, state, initial=''zeros''))
    written = expand(step * u) * linear(u, features=state)
    y = einsum(''dn,n->d'', linear_scan(exp(-(expand(step) * rate)), written), linear(u, features=state))
    return linear((y + gain(u)) * gate, features=width)
','library','2312.00752',NULL);
INSERT INTO "components" VALUES('mamba2','772ee951bd93c9b3','mixer','def mamba2(x, heads: choice(1, 2, 4, 8) = 4, state: choice(8, 16, 32, 64) = 32, kernel: choice(2, 3, 4) = 4) -> mixer:
    """One decay per head turns the selective state space into linear attention, so that the state can be large."""
    v = split_heads(silu(causal_conv(linear(x, features=hidden), kernel=kernel)), heads)
    k = silu(causal_conv(linear(x, features=state), kernel=kernel))
    q = silu(causal_conv(linear(x, features=state), kernel=kernel))
    step = softplus(linear(x, features=heads) + offset(ramp(heads, -6.9, -2.3)))
    rate = exp(offset(ramp(heads, 0.0, 2.77)))
    q_shared = split_heads(repeat(q, heads), heads)
    k_shared = split_heads(repeat(k, heads), heads)
    y = linear_attention(q_shared, k_shared, v * expand(step), log_decay=-(step * rate))
    return linear(gain(rms_normalize(merge_heads(y + gain(v)) * silu(linear(x, features=hidden)))), features=width)
','library','2405.21060',NULL);
INSERT INTO "components" VALUES('longhorn','ef4d42f9ccb76cd4','mixer','def longhorn(x, state: choice(4, 8, 16) = 8, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Derive the decay from the step that best recalls the new pair, so that writing a key frees its old value."""
    u = silu(causal_conv(linear(x, features=hidden), kernel=kernel))
    gate = silu(linear(x, features=hidden))
    k = linear(u, features=state)
    trust = sigmoid(linear(linear(u, features=width // 16), features=hidden, bias=True))
    length = einsum(''n,n->'', k, k)
    step = trust / (1 + trust * maximum(length, 0))
    kept = clip(1 - expand(step) * square(k), 0.0, 1.0)
    y = einsum(''dn,n->d'', linear_scan(kept, expand(step * u) * k), linear(u, features=state))
    return linear((y + gain(u)) * gate, features=width)
','library','2407.14207',NULL);
INSERT INTO "components" VALUES('adamw','b6e80ed8b81dd4d3','training','def adamw(learning_rate: log_range(0.0001, 0.03) = 0.008, warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05, final: choice(0.0, 0.01, 0.1) = 0.1, weight_decay: choice(0.0, 0.01, 0.1, 0.3) = 0.1, beta2: choice(0.95, 0.98, 0.99, 0.999) = 0.99, clip_norm: choice(0.5, 1.0, 2.0) = 1.0) -> training:
    """Steps scaled per parameter, decay kept apart from the gradient, and a cosine from warm-up to the end."""
    return optimizer(''adamw'', learning_rate, warmup=warmup, final=final, weight_decay=weight_decay, beta2=beta2, clip=clip_norm)
','library','1711.05101',NULL);
INSERT INTO "components" VALUES('adamw_wsd','97aad4c1763bd820','training','def adamw_wsd(learning_rate: log_range(0.0001, 0.03) = 0.008, warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05, weight_decay: choice(0.0, 0.01, 0.1, 0.3) = 0.1, beta2: choice(0.95, 0.98, 0.99, 0.999) = 0.99) -> training:
    """Hold the rate high for most of training and let it fall at the end, where much of the loss is gained."""
    return optimizer(''adamw'', learning_rate, schedule=''wsd'', warmup=warmup, final=0.0, weight_decay=weight_decay, beta2=beta2)
','library','2404.06395',NULL);
INSERT INTO "components" VALUES('lion','d402281f5d70ff9a','training','def lion(learning_rate: log_range(3e-05, 0.01) = 0.002, warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05, weight_decay: choice(0.0, 0.1, 0.3, 1.0) = 0.3, beta2: choice(0.98, 0.99, 0.999) = 0.99) -> training:
    """Step by the sign of a momentum, one number of state per parameter."""
    return optimizer(''lion'', learning_rate, warmup=warmup, weight_decay=weight_decay, beta2=beta2)
','library','2302.06675',NULL);
INSERT INTO "components" VALUES('muon','154f66fdf2752274','training','def muon(learning_rate: log_range(0.001, 0.1) = 0.02, warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05, final: choice(0.0, 0.01, 0.1) = 0.0, weight_decay: choice(0.0, 0.01, 0.1) = 0.1, momentum: choice(0.9, 0.95) = 0.95) -> training:
    """Orthogonalise the momentum of each matrix, so that rare directions learn as fast as common ones."""
    return optimizer(''muon'', learning_rate, schedule=''linear'', warmup=warmup, final=final, weight_decay=weight_decay, beta1=momentum)
','library','',NULL);
CREATE TABLE edits (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    edit TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (attempt, position)
) STRICT;
INSERT INTO "edits" VALUES(5,0,'set_setting','{"kind":"set_setting","path":"training","setting":"learning_rate","value":0.004}','set learning_rate to 0.004 of adamw in training');
INSERT INTO "edits" VALUES(6,0,'remove_gene','{"kind":"remove_gene","path":"0.0.0"}','remove rms_norm from block 0');
INSERT INTO "edits" VALUES(6,1,'set_setting','{"kind":"set_setting","path":"training","setting":"weight_decay","value":0.3}','set weight_decay to 0.3 of adamw in training');
INSERT INTO "edits" VALUES(7,0,'replace_gene','{"kind":"replace_gene","path":"2.0.1","gene":{"component":"damped_moving_average","settings":{}}}','replace attention by damped_moving_average in block 2');
INSERT INTO "edits" VALUES(7,1,'insert_gene','{"kind":"insert_gene","path":"3.0.0","gene":{"component":"relu_mlp","settings":{}}}','insert relu_mlp at 3.0.0');
INSERT INTO "edits" VALUES(8,0,'replace_gene','{"kind":"replace_gene","path":"training","gene":{"component":"muon","settings":{}}}','replace adamw by muon in training');
CREATE TABLE "evaluations" (
    id INTEGER PRIMARY KEY,
    attempt INTEGER REFERENCES attempts(id),
    recipe TEXT NOT NULL REFERENCES recipes(hash),
    purpose TEXT NOT NULL CHECK (purpose IN ('search', 'retest', 'noise', 'sweep', 'confirm', 'proxy')),
    task TEXT NOT NULL,
    seed INTEGER NOT NULL,
    rung INTEGER NOT NULL,
    split TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('evaluated', 'failed', 'diverged', 'timeout')),
    reason TEXT NOT NULL,
    loss REAL,
    accuracy REAL,
    macro_accuracy REAL,
    compile_seconds REAL,
    train_seconds REAL,
    total_seconds REAL,
    backend TEXT NOT NULL,
    device TEXT NOT NULL, trace_seconds REAL, idle_seconds REAL,
    CONSTRAINT an_evaluation_has_a_loss_and_a_failure_none
        CHECK ((status = 'evaluated') = (loss IS NOT NULL)),
    CONSTRAINT a_failure_has_a_reason CHECK (status = 'evaluated' OR reason <> ''),
    CONSTRAINT a_loss_is_finite CHECK (abs(loss) < 9e999),
    CONSTRAINT paid_once UNIQUE (purpose, recipe, task, seed, rung, split)
) STRICT;
INSERT INTO "evaluations" VALUES(1,NULL,'863ccfbc47c48e58','noise','recall',2,3,'validation',20480,'evaluated','',1.1414483113989519758e+00,4.98216023353876102941e-01,4.95502387112054520912e-01,0.0,4.05315676995087414979e-01,0.566187151001941,'jax','cpu',0.0,3.22933830029796808958e-02);
INSERT INTO "evaluations" VALUES(2,NULL,'863ccfbc47c48e58','noise','recall',3,3,'validation',20480,'evaluated','',1.11895218415187613913e+00,5.06649367499189096086e-01,5.08866745359106698032e-01,0.0,3.80303896999976132065e-01,4.74690490002103615552e-01,'jax','cpu',0.0,5.25529099832056090235e-03);
INSERT INTO "evaluations" VALUES(3,NULL,'863ccfbc47c48e58','noise','recall',1,3,'validation',20480,'evaluated','',1.05898928077739817865e+00,5.34868634446967194939e-01,5.32959292418636820798e-01,0.412156918006076,4.96530892996815964579e-01,1.6357207319961162284e+00,'jax','cpu',0.0,2.04456388100516051054e+00);
INSERT INTO "evaluations" VALUES(4,3,'863ccfbc47c48e58','search','recall',0,0,'validation',1024,'evaluated','',1.7872148155586076168e+00,3.41226078494972440147e-01,3.52088613374410552836e-01,0.0,4.89739700060454197227e-02,3.92736153997248038649e-01,'jax','cpu',0.0,3.3515974500187439844e-01);
INSERT INTO "evaluations" VALUES(5,1,'ec3019106ebfc528','search','recall',0,0,'validation',1024,'evaluated','',2.10624289473967607477e+00,1.91696399610768730692e-01,2.03707565771462123516e-01,3.03471562001504935324e-01,1.95991029977449215948e-02,1.04405764200055273249e+00,'jax','cpu',0.0,1.37936240062117576599e-02);
INSERT INTO "evaluations" VALUES(6,2,'0f84f21539ec086b','search','recall',0,0,'validation',1024,'evaluated','',2.04180556800587398313e+00,2.31592604605903334968e-01,2.33426965126816321483e-01,4.42193154005508404225e-01,2.54786750010680407285e-02,1.46078698000201256945e+00,'jax','cpu',0.0,9.10571156004152726382e-01);
INSERT INTO "evaluations" VALUES(7,4,'08d5fcf5d5deb2cb','search','recall',0,0,'validation',1024,'evaluated','',2.2609534744624,1.62179695102173199172e-01,1.60330366175182814636e-01,3.72252676002972293645e-01,2.48504750052234157919e-02,7.5271889900614041835e-01,'jax','cpu',0.0,4.76631700439611449837e-03);
INSERT INTO "evaluations" VALUES(8,1,'ec3019106ebfc528','search','recall',0,1,'validation',1536,'evaluated','',1.4675047481906828839e+00,4.38858254946480674796e-01,4.15648099400505621758e-01,0.0,1.4464605200191726908e-01,3.10686986005748622119e-01,'jax','cpu',0.0,3.71382720040855929255e-02);
INSERT INTO "evaluations" VALUES(9,2,'0f84f21539ec086b','search','recall',0,1,'validation',1536,'evaluated','',1.54048036469525428948e+00,3.61660720077846276065e-01,3.68315445608586478076e-01,0.0,1.266447969974251464e-01,5.0801098899682983756e-01,'jax','cpu',0.0,7.78710241997032426297e-01);
INSERT INTO "evaluations" VALUES(10,3,'863ccfbc47c48e58','search','recall',0,1,'validation',1536,'evaluated','',1.36103562940609279507e+00,4.36912098605254595184e-01,4.29159840162376848837e-01,0.0,2.67801140995288733392e-01,8.1704402800096431747e-01,'jax','cpu',0.0,5.55851390017778612673e-02);
INSERT INTO "evaluations" VALUES(11,4,'08d5fcf5d5deb2cb','search','recall',0,1,'validation',1536,'evaluated','',2.035467295688427658e+00,2.07590009730781704933e-01,2.11592001219834069392e-01,6.10268373995495494455e-01,2.44662528006301727145e-01,1.32887807700171833857e+00,'jax','cpu',0.0,1.63324419991113245487e-02);
INSERT INTO "evaluations" VALUES(12,1,'ec3019106ebfc528','search','recall',0,2,'validation',2560,'evaluated','',1.17297295970341397541e+00,4.86214725916315260167e-01,4.73257842858841148991e-01,0.0,1.92409937000775244086e-01,4.01464422997378278523e-01,'jax','cpu',0.0,6.77022071999090258032e-01);
INSERT INTO "evaluations" VALUES(13,2,'0f84f21539ec086b','search','recall',0,2,'validation',2560,'evaluated','',1.26920028820155383897e+00,4.40804411287706754407e-01,4.20648269177360756287e-01,0.0,3.73444684002606663852e-01,6.71806966995063703507e-01,'jax','cpu',0.0,3.02286410005763173103e-02);
INSERT INTO "evaluations" VALUES(14,4,'08d5fcf5d5deb2cb','search','recall',0,2,'validation',2560,'evaluated','',1.68313557058427765156e+00,3.20142718131689929528e-01,3.19902251309000518197e-01,0.0,1.2352947999897878617e-01,2.26441425998928025364e-01,'jax','cpu',0.0,0.000660329002130311);
INSERT INTO "evaluations" VALUES(15,3,'863ccfbc47c48e58','search','recall',0,2,'validation',2560,'evaluated','',1.2280479626650937508e+00,4.87187804086928299973e-01,4.74723173067758352772e-01,0.0,2.35477875998185481876e-01,0.585137215006398,'jax','cpu',0.0,5.16871004947461187839e-04);
INSERT INTO "evaluations" VALUES(16,1,'ec3019106ebfc528','search','recall',0,3,'validation',15360,'evaluated','',1.04046250255781447258e+00,4.76808303600389227216e-01,0.477945859644729,0.0,4.5025402899773325771e-01,5.46353499004908371716e-01,'jax','cpu',0.0,1.94031200226163491606e-03);
INSERT INTO "evaluations" VALUES(17,3,'863ccfbc47c48e58','search','recall',0,3,'validation',15360,'evaluated','',1.10981540636625,5.08919883230619540803e-01,5.03014205814482306955e-01,0.0,6.9873766999808140099e-01,1.04401904199767159298e+00,'jax','cpu',0.0,1.16165520012145861983e-02);
INSERT INTO "evaluations" VALUES(18,2,'0f84f21539ec086b','search','recall',0,3,'validation',15360,'evaluated','',1.03691423275700422834e+00,5.92280246513136598984e-01,5.87546023679506923542e-01,0.0,1.27472065100300824269e+00,1.64022916500107385218e+00,'jax','cpu',0.0,6.59376809999230317771e-02);
INSERT INTO "evaluations" VALUES(19,4,'08d5fcf5d5deb2cb','search','recall',0,3,'validation',15360,'evaluated','',1.29036224394930365555e+00,4.03503081414206932198e-01,3.96639804607002099956e-01,0.0,7.73535161999461706727e-01,8.70876738998049404472e-01,'jax','cpu',0.0,9.81440025498159229755e-05);
INSERT INTO "evaluations" VALUES(20,1,'ec3019106ebfc528','retest','recall',21,3,'validation',20480,'evaluated','',9.96941808056529765735e-01,5.22218618228997732977e-01,5.12048055378639621615e-01,0.0,1.6509905089988023974e+00,1.92545286499807843938e+00,'jax','cpu',0.0,2.18138449999969452619e-02);
INSERT INTO "evaluations" VALUES(21,2,'0f84f21539ec086b','retest','recall',21,3,'validation',20480,'evaluated','',1.09600821664261416366e+00,5.24164774570223812588e-01,5.19941465140723924065e-01,0.0,2.54598949600040214136e+00,3.21277269499842077493e+00,'jax','cpu',0.0,8.65984712996578309684e-01);
INSERT INTO "evaluations" VALUES(22,3,'863ccfbc47c48e58','retest','recall',21,3,'validation',20480,'evaluated','',1.09401267092219423027e+00,0.514109633473889,5.10704261760622113541e-01,0.0,1.28904933699959656223e+00,1.51071603000309551134e+00,'jax','cpu',0.0,2.97500009764917194843e-05);
INSERT INTO "evaluations" VALUES(23,5,'ae1177c8cc60b220','search','recall',0,0,'validation',1024,'evaluated','',1.91298210052480333054e+00,2.05968212779759962671e-01,2.17718414175310653879e-01,0.0,5.41505990040604956448e-02,4.50370585000200662761e-01,'jax','cpu',0.0,0.259151202000794);
INSERT INTO "evaluations" VALUES(24,6,'c1089828213eaadf','search','recall',0,0,'validation',1024,'evaluated','',1.79126697185168670678e+00,2.90950373013298735358e-01,3.09301698151380755064e-01,2.24032802005240228027e-01,5.34510490033426322042e-02,8.26869333999638911336e-01,'jax','cpu',0.0,3.18884430016623809933e-02);
INSERT INTO "evaluations" VALUES(25,7,'8dddc6b67db95720','search','recall',0,0,'validation',1024,'evaluated','',2.03615562891828671965e+00,0.190074602659747,1.90126413905587765551e-01,9.85328472001128830015e-01,6.68654400069499388337e-02,1.82146720399759942665e+00,'jax','cpu',0.0,5.19879044994013383984e-01);
INSERT INTO "evaluations" VALUES(26,8,'a3d7c6bbf0b2ffec','search','recall',0,0,'validation',1024,'evaluated','',2.00055240478911589008e+00,2.13752838144664281117e-01,0.237520257352552,7.18699505996482912451e-01,1.31055599005776457488e-01,1.64850857300189090892e+00,'jax','cpu',0.0,3.87124390035751275718e-02);
INSERT INTO "evaluations" VALUES(27,5,'ae1177c8cc60b220','search','recall',0,1,'validation',1536,'evaluated','',1.584207867013917026e+00,4.30100551410963372056e-01,4.13384502676373610796e-01,0.0,0.256759821997548,5.8790207999845733866e-01,'jax','cpu',0.0,1.20235290014534257352e-02);
INSERT INTO "evaluations" VALUES(28,6,'c1089828213eaadf','search','recall',0,1,'validation',1536,'evaluated','',1.29632581227636944909e+00,4.50210833603632842869e-01,0.429326929183765,3.78029031009646132588e-01,1.07485926986555568873e-01,7.8720778000570135191e-01,'jax','cpu',0.0,1.21418069000355899333e+00);
INSERT INTO "evaluations" VALUES(29,6,'c1089828213eaadf','search','recall',0,2,'validation',2560,'evaluated','',1.17899407885734275325e+00,4.93674991891015269018e-01,4.78799292265981057958e-01,0.0,2.86239660003047902137e-01,6.17356473005202133208e-01,'jax','cpu',0.0,1.96037122004781849682e-01);
INSERT INTO "evaluations" VALUES(30,6,'c1089828213eaadf','search','recall',0,3,'validation',15360,'evaluated','',1.04214709662710580673e+00,4.93674991891015269018e-01,4.86479830741063212773e-01,0.0,1.7502440410025883466e+00,2.15756637699814746156e+00,'jax','cpu',0.0,2.97575610020430758595e-02);
INSERT INTO "evaluations" VALUES(31,6,'c1089828213eaadf','retest','recall',21,3,'validation',20480,'evaluated','',1.02570990142673790224e+00,5.09244242620823905909e-01,5.02475542329219537762e-01,0.0,1.69176161799987312406e+00,2.19594736600265605375e+00,'jax','cpu',0.0,0.00838340000336757);
INSERT INTO "evaluations" VALUES(32,NULL,'ec3019106ebfc528','confirm','recall',12,3,'sealed',20480,'evaluated','',1.04525381554882690338e+00,4.98053212199870198872e-01,0.491659716893209,0.0,3.13374433200078783556e+00,3.73184466599923325702e+00,'jax','cpu',0.0,5.18082392699579941108e+00);
INSERT INTO "evaluations" VALUES(33,NULL,'ec3019106ebfc528','confirm','recall',11,3,'sealed',20480,'evaluated','',1.05032551621245850981e+00,4.91563919532770954301e-01,4.8845546789235855245e-01,0.0,3.61615054600406438112e+00,4.19628914200438885018e+00,'jax','cpu',0.0,1.47233725001569837331e-01);
INSERT INTO "evaluations" VALUES(34,NULL,'ec3019106ebfc528','confirm','recall',13,3,'sealed',20480,'evaluated','',1.05484667758830252815e+00,4.92861778066190803215e-01,4.83574741058135693094e-01,0.0,1.08487828399665886536e+00,1.65384919699863530695e+00,'jax','cpu',0.0,3.247666000243043527e-02);
INSERT INTO "evaluations" VALUES(35,NULL,'863ccfbc47c48e58','confirm','recall',11,3,'sealed',20480,'evaluated','',1.11041846451706738285e+00,0.508760545100584,5.10733196907968922673e-01,0.0,1.39646637399710016325e+00,1.79530230000091250985e+00,'jax','cpu',0.0,9.25684419999015517532e-02);
INSERT INTO "evaluations" VALUES(36,NULL,'863ccfbc47c48e58','confirm','recall',12,3,'sealed',20480,'evaluated','',1.12431146818503857609e+00,4.98053212199870198872e-01,4.94355447452972607269e-01,0.0,6.71999407000839710235e-01,8.53601842005446087568e-01,'jax','cpu',0.0,1.9296751001093070954e-02);
INSERT INTO "evaluations" VALUES(37,NULL,'863ccfbc47c48e58','confirm','recall',13,3,'sealed',20480,'evaluated','',1.07482462591509175808e+00,0.518494484101233,5.17321587002422589307e-01,0.0,1.27186719699966488406e+00,1.6838673909951467067e+00,'jax','cpu',0.0,2.07942330016521736979e-02);
INSERT INTO "evaluations" VALUES(38,NULL,'0f84f21539ec086b','confirm','recall',11,3,'sealed',20480,'evaluated','',1.08294856958308827188e+00,5.60999351070733287549e-01,5.58503527280239442376e-01,0.0,3.31574848500167718157e+00,4.06853486799809616059e+00,'jax','cpu',0.0,2.48276860002079047262e-02);
INSERT INTO "evaluations" VALUES(39,NULL,'0f84f21539ec086b','confirm','recall',12,3,'sealed',20480,'evaluated','',1.1572691900710019297e+00,4.98377676833225202734e-01,4.97413557102258596653e-01,6.33203374993172474205e-01,1.43638486800045939162e+00,2.75872983100271085277e+00,'jax','cpu',0.0,1.26154705998487770557e-01);
INSERT INTO "evaluations" VALUES(40,NULL,'0f84f21539ec086b','confirm','recall',13,3,'sealed',20480,'evaluated','',1.25840225071198430484e+00,4.33809214795587261281e-01,4.35122113926172948694e-01,0.0,2.02199241999915102496e+00,2.4553358789999037981e+00,'jax','cpu',0.0,6.78316400008043274283e-02);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,'2026-11-21T22:40:54.020+00:00','created','search unbroken-0 of 2 generations, seed 0','{}');
INSERT INTO "events" VALUES(2,'2026-11-21T22:41:04.943+00:00','program','a full run takes 0.2 s stitched, too short to repay a whole-model program','{"device": "cpu", "program": "stitched", "steps": 40, "stitched_step_seconds": 0.005164193874406919}');
INSERT INTO "events" VALUES(3,'2026-11-21T22:41:39.440+00:00','finished','finished after 2 generations','{}');
CREATE TABLE generations (
    generation INTEGER PRIMARY KEY,
    best REAL,
    median REAL,
    statistics TEXT NOT NULL,
    finished_at TEXT NOT NULL
) STRICT;
INSERT INTO "generations" VALUES(1,1.06064690479088818975e+00,0.871695760787266,'{"best": 1.0606469047908882, "best_operator": "", "compile_seconds": 1.7281857660054811, "depth": 0, "duplicate": 0, "failed": 0, "families": 4, "generation_best": 1.0606469047908882, "median": 0.871695760787266, "other_seconds": 7.2836560729992925, "proposed": 4, "rejected": 0, "train_seconds": 10.510795572008647, "trained": 4, "wall_seconds": 11.42546501900506}','2026-11-21T22:41:18.107+00:00');
INSERT INTO "generations" VALUES(2,1.01671296364018082236e+00,1.01671296364018082236e+00,'{"best": 1.0606469047908882, "best_operator": "sweep", "compile_seconds": 2.306089811012498, "depth": 1, "duplicate": 0, "failed": 0, "families": 4, "generation_best": 1.0167129636401808, "median": 0.9228433596504295, "other_seconds": 4.492734408988326, "proposed": 4, "rejected": 0, "train_seconds": 4.3980137550097425, "trained": 4, "wall_seconds": 9.032395045003796}','2026-11-21T22:41:27.224+00:00');
CREATE TABLE operator_credit (
    generation INTEGER NOT NULL REFERENCES generations(generation),
    operator TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    improved INTEGER NOT NULL,
    gain REAL NOT NULL,
    cost_flops REAL NOT NULL,
    PRIMARY KEY (generation, operator)
) STRICT;
INSERT INTO "operator_credit" VALUES(2,'change_training',1,0,0.0,221595648.0);
INSERT INTO "operator_credit" VALUES(2,'remove_gene',1,0,0.0,4424048640.0);
INSERT INTO "operator_credit" VALUES(2,'replace_mixer',1,0,0.0,206880768.0);
INSERT INTO "operator_credit" VALUES(2,'sweep',1,0,0.0,553989120.0);
CREATE TABLE parents (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL,
    parent INTEGER NOT NULL REFERENCES attempts(id),
    PRIMARY KEY (attempt, position),
    CONSTRAINT a_parent_is_an_earlier_attempt CHECK (parent < attempt)
) STRICT;
INSERT INTO "parents" VALUES(5,0,1);
INSERT INTO "parents" VALUES(6,0,1);
INSERT INTO "parents" VALUES(7,0,1);
INSERT INTO "parents" VALUES(8,0,1);
CREATE TABLE recipes (
    hash TEXT PRIMARY KEY NOT NULL,
    recipe TEXT NOT NULL,
    label TEXT NOT NULL
) STRICT;
INSERT INTO "recipes" VALUES('863ccfbc47c48e58','{"blocks":[{"branches":[[{"component":"layer_norm","settings":{}},{"component":"rwkv4_time_mixing","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"layer_norm","settings":{}},{"component":"rwkv4_channel_mixing","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"layer_norm","settings":{}},{"component":"rwkv4_time_mixing","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"layer_norm","settings":{}},{"component":"rwkv4_channel_mixing","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"normalized_embedding","settings":{}}],"head":[{"component":"layer_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{}}}','rwkv4');
INSERT INTO "recipes" VALUES('ec3019106ebfc528','{"blocks":[{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{}}}','llama');
INSERT INTO "recipes" VALUES('0f84f21539ec086b','{"blocks":[{"branches":[[{"component":"rms_norm","settings":{}},{"component":"mamba2","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"mamba2","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"mamba2","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"mamba2","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{}}}','mamba2');
INSERT INTO "recipes" VALUES('08d5fcf5d5deb2cb','{"blocks":[{"branches":[[{"component":"rms_norm","settings":{}},{"component":"gated_delta_net","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"gated_delta_net","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{}}}','gated_deltanet');
INSERT INTO "recipes" VALUES('ae1177c8cc60b220','{"blocks":[{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{"learning_rate":0.004}}}','set learning_rate to 0.004 of adamw in training');
INSERT INTO "recipes" VALUES('c1089828213eaadf','{"blocks":[{"branches":[[{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{"weight_decay":0.3}}}','set weight_decay to 0.3 of adamw in training');
INSERT INTO "recipes" VALUES('8dddc6b67db95720','{"blocks":[{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"damped_moving_average","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"relu_mlp","settings":{}},{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"adamw","settings":{}}}','insert relu_mlp at 3.0.0');
INSERT INTO "recipes" VALUES('a3d7c6bbf0b2ffec','{"blocks":[{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"attention","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}},{"branches":[[{"component":"rms_norm","settings":{}},{"component":"swiglu","settings":{}}]],"merge":null,"repeat":1,"residual":{"component":"add_residual","settings":{}}}],"embedding":[{"component":"token_embedding","settings":{}}],"head":[{"component":"rms_norm","settings":{}},{"component":"linear_head","settings":{}}],"training":{"component":"muon","settings":{}}}','replace adamw by muon in training');
CREATE TABLE runs (
    id INTEGER PRIMARY KEY CONSTRAINT one_search_per_database CHECK (id = 1),
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seed INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'stopped')),
    generations INTEGER NOT NULL CONSTRAINT generations_are_not_negative CHECK (generations >= 0),
    random_state TEXT NOT NULL
) STRICT;
INSERT INTO "runs" VALUES(1,'unbroken-0','2026-11-21T22:40:53.922+00:00',0,'{"backend": "jax", "data": null, "deterministic": false, "early_stopping": true, "generations": 2, "objective": ["score"], "population": 4, "rungs": [[0.0625, 1.0], [0.125, 0.5], [0.25, 0.25], [1.0, 0.125]], "scale": "micro", "seed": 0, "strategy": "uct", "task": ["recall"], "task_data": {"recall": "InContextRecall(vocabulary=8, context=32, training_examples=None, evaluation_examples=256)"}, "workers": 2}','0.1.0','finished',2,'{"next_attempt": 9, "seed": 0}');
CREATE TABLE yardstick (
    id INTEGER PRIMARY KEY CONSTRAINT one_yardstick_per_search CHECK (id = 1),
    recipe TEXT NOT NULL,
    seeds INTEGER NOT NULL CONSTRAINT noise_needs_two_seeds CHECK (seeds >= 2),
    noise REAL NOT NULL CONSTRAINT noise_is_finite_and_not_negative CHECK (noise >= 0 AND noise < 9e999)
) STRICT;
INSERT INTO "yardstick" VALUES(1,'rwkv4',3,1.22988474552808757511e-01);
CREATE TABLE yardstick_tasks (
    task TEXT PRIMARY KEY NOT NULL,
    chance REAL NOT NULL CONSTRAINT chance_is_finite_and_positive CHECK (chance > 0 AND chance < 9e999),
    loss REAL NOT NULL CONSTRAINT loss_is_finite_and_not_negative CHECK (loss >= 0 AND loss < 9e999),
    noise REAL NOT NULL CONSTRAINT noise_is_finite_and_not_negative CHECK (noise >= 0 AND noise < 9e999)
) STRICT;
INSERT INTO "yardstick_tasks" VALUES('recall',1.38629436111989057245e+00,1.1064632587760754312e+00,1.22988474552808757511e-01);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX attempts_generation ON attempts(generation);
CREATE INDEX attempts_status ON attempts(status);
CREATE INDEX attempts_recipe ON attempts(recipe);
CREATE INDEX attempts_score ON attempts(score DESC, id) WHERE status = 'evaluated';
CREATE UNIQUE INDEX attempts_paid_once ON attempts(recipe)
    WHERE status IN ('proposed', 'screened', 'evaluated');
CREATE INDEX components_hash ON components(hash);
CREATE INDEX parents_parent ON parents(parent);
CREATE INDEX events_kind ON events(kind);
CREATE VIEW genealogy AS
SELECT
    attempts.id AS attempt,
    generation,
    operator,
    coalesce((SELECT group_concat(parent, ' ') FROM
        (SELECT parent FROM parents WHERE parents.attempt = attempts.id ORDER BY position)), '') AS parents,
    coalesce((SELECT group_concat(description, '; ') FROM
        (SELECT description FROM edits WHERE edits.attempt = attempts.id ORDER BY position)), '') AS edits,
    status,
    score,
    score - (SELECT max(parent.score) FROM parents JOIN attempts AS parent ON parent.id = parents.parent
        WHERE parents.attempt = attempts.id AND parent.rung IS attempts.rung) AS gain
FROM attempts
ORDER BY attempts.id;
CREATE VIEW failures AS
SELECT id AS attempt, generation, operator, status, reason
FROM attempts
WHERE status IN ('rejected', 'failed', 'diverged', 'timeout')
ORDER BY id;
CREATE VIEW ancestors AS
WITH RECURSIVE line(attempt, ancestor, distance) AS (
    SELECT DISTINCT attempt, parent, 1 FROM parents
    UNION
    SELECT line.attempt, parents.parent, line.distance + 1
    FROM line JOIN parents ON parents.attempt = line.ancestor
)
SELECT attempt, ancestor, min(distance) AS distance
FROM line
GROUP BY attempt, ancestor
ORDER BY attempt, distance, ancestor;
CREATE VIEW descendants AS
SELECT ancestor AS attempt, attempt AS descendant, distance
FROM ancestors
ORDER BY attempt, distance, descendant;
CREATE INDEX evaluations_attempt ON evaluations(attempt);
CREATE INDEX evaluations_recipe ON evaluations(recipe);
CREATE VIEW leaderboard AS
SELECT
    row_number() OVER (ORDER BY score DESC, id) AS rank,
    id AS attempt,
    generation,
    label,
    family,
    score,
    max(score) OVER () - score <= 2 * (SELECT noise FROM yardstick) AS tie,
    operator,
    parameters,
    state_bytes,
    substr(recipe, 1, 12) AS recipe
FROM attempts
WHERE status = 'evaluated'
ORDER BY score DESC, id;
COMMIT;
