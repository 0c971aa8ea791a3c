//! The launch plan of a case: every buffer with its size, every launch with its geometry and arguments.

use minijinja::Value;
use pipe_model::Case;

use crate::{
    FileError, Implementation, Op, PlanError,
    expression::{Expression, Fault},
    manifest::{ArgumentTemplate, ForEach, LaunchTemplate, Scalar, ScalarKind, Table},
    scope::{Scope, in_step},
    tensor::{Tensor, TensorRole},
};

/// The most blocks along x, y and z that CUDA launches.
const GRID_LIMIT: [u32; 3] = [i32::MAX as u32, 65_535, 65_535];
/// The most threads along x, y and z of a block, and in all of it.
const BLOCK_LIMIT: [u32; 3] = [1024, 1024, 64];
const BLOCK_THREADS: u32 = 1024;

/// What to allocate and what to launch, in order, to compute the op once.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Inputs, outputs, workspace and tables. None is empty.
    pub buffers: Vec<Buffer>,
    /// At least one, unless there is nothing to do.
    pub launches: Vec<Launch>,
    /// The tensors that the manifest declares itself, under op `custom`.
    pub tensors: Vec<Tensor>,
}

/// A piece of device memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    /// As the manifest and the op call it: `q`, `out`, `scores`.
    pub name: String,
    /// Who fills it and who reads it.
    pub role: Role,
    /// Size.
    pub bytes: u64,
}

/// What a buffer is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// A tensor of the op, filled before the launches.
    Input,
    /// A tensor of the op, filled by the launches.
    Output,
    /// A tensor that is filled before the launches and changed by them.
    Inout,
    /// Scratch memory; its content before the first launch is undefined.
    Workspace,
    /// Constants of the plan, to be copied in before the launches.
    Table(Vec<u8>),
}

/// One kernel launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// The entry's name.
    pub entry: String,
    /// Blocks along x, y and z; none is 0.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z; none is 0.
    pub block: [u32; 3],
    /// Dynamic shared memory of a block.
    pub shared_bytes: u32,
    /// One for each parameter of the entry, in order.
    pub args: Vec<Argument>,
}

/// A kernel argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Argument {
    /// The address of the buffer at this index of [`Plan::buffers`], as a 64-bit pointer.
    Buffer(usize),
    /// A `.u8`
    U8(u8),
    /// A `.u16`
    U16(u16),
    /// A `.u32`
    U32(u32),
    /// A `.s32`
    S32(i32),
    /// A `.u64`
    U64(u64),
    /// A `.s64`
    S64(i64),
    /// A `.f32`
    F32(f32),
    /// A `.f64`
    F64(f64),
}

impl Argument {
    /// Bytes of the parameter.
    pub const fn size(self) -> u64 {
        match self {
            Argument::U8(_) => 1,
            Argument::U16(_) => 2,
            Argument::U32(_) | Argument::S32(_) | Argument::F32(_) => 4,
            Argument::Buffer(_) | Argument::U64(_) | Argument::S64(_) | Argument::F64(_) => 8,
        }
    }

    /// The value in the low bytes, what is above them 0; that of a buffer is its index.
    pub const fn bits(self) -> u64 {
        match self {
            Argument::Buffer(index) => index as u64,
            Argument::U8(value) => value as u64,
            Argument::U16(value) => value as u64,
            Argument::U32(value) => value as u64,
            Argument::S32(value) => value.cast_unsigned() as u64,
            Argument::U64(value) => value,
            Argument::S64(value) => value.cast_unsigned(),
            Argument::F32(value) => value.to_bits() as u64,
            Argument::F64(value) => value.to_bits(),
        }
    }
}

impl Plan {
    /// Bytes of all buffers together.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().fold(0, |sum, buffer| sum.saturating_add(buffer.bytes))
    }
}

impl Implementation {
    /// Resolves the launches for `case`.
    ///
    /// # Errors
    /// [`PlanError::Unsupported`] where the kernels cannot do the case, with the reason;
    /// [`PlanError::Case`] where the case lacks a dimension or parameter, or has one that makes no sense;
    /// [`PlanError::Expression`] where the manifest is wrong for it.
    pub fn plan(&self, case: &Case) -> Result<Plan, PlanError> {
        self.supports(case)?;
        let scope = Scope::new(self.op(), case, &self.manifest.parameters)?;
        Resolver { implementation: self, case, scope }.plan()
    }

    /// Whether there are entries for the case's dtype and head_dim.
    pub fn has_entry_for(&self, case: &Case) -> bool {
        (self.op() == Op::Custom || case.dtype.is_some()) && self.supports(case).is_ok()
    }

    fn supports(&self, case: &Case) -> Result<(), PlanError> {
        let manifest = &self.manifest;
        if self.op() == Op::Custom {
            return self.knows_parameters_of(case);
        }
        if let Some(dtype) = case.dtype
            && !manifest.dtypes.iter().any(|name| name.0 == dtype)
        {
            let known: Vec<_> = manifest.dtypes.iter().map(|name| name.0.as_str()).collect();
            return Err(PlanError::Unsupported(format!("dtype {dtype} is not one of {}", known.join(", "))));
        }
        if let Some(head_dim) = case.head_dim
            && !manifest.head_dims.contains(&head_dim)
        {
            let known: Vec<_> = manifest.head_dims.iter().map(u64::to_string).collect();
            return Err(PlanError::Unsupported(format!(
                "head_dim {head_dim} is not one of {}",
                known.join(", ")
            )));
        }
        Ok(())
    }
}

impl Implementation {
    /// Whether a case is one of a custom op: it gives the manifest's own parameters, and nothing else.
    fn knows_parameters_of(&self, case: &Case) -> Result<(), PlanError> {
        if case.dtype.is_some() || case.head_dim.is_some() || case.seq_len.is_some() {
            let message =
                "op custom has no seq_len, head_dim and dtype; a type with `parameters` alone measures it";
            return Err(PlanError::Unsupported(message.to_owned()));
        }
        match case.parameters.keys().find(|name| !self.manifest.parameters.contains_key(*name)) {
            Some(unknown) => {
                let own: Vec<&str> = self.manifest.parameters.keys().map(String::as_str).collect();
                let own = own.join(", ");
                Err(PlanError::Unsupported(format!("it has no parameter {unknown}; its own are {own}")))
            }
            None => Ok(()),
        }
    }
}

/// Evaluates one manifest for one case.
struct Resolver<'a> {
    implementation: &'a Implementation,
    case: &'a Case,
    scope: Scope,
}

impl Resolver<'_> {
    fn plan(mut self) -> Result<Plan, PlanError> {
        self.define()?;
        self.check_requirements()?;
        let tensors = self.tensors()?;
        let buffers = self.buffers(&tensors)?;
        let mut launches = Vec::new();
        // Launches side by side that repeat for each group are the body of one loop over the groups.
        for body in self.implementation.manifest.launch.chunk_by(|a, b| a.for_each == b.for_each) {
            for scope in
                body.first().map(|first| self.scope.each(first.for_each.is_some())).unwrap_or_default()
            {
                for template in body {
                    for scope in self.steps(template, &scope)? {
                        launches.extend(self.launch(template, &scope, &buffers)?);
                    }
                }
            }
        }
        Ok(Plan { buffers, launches, tensors })
    }

    fn define(&mut self) -> Result<(), PlanError> {
        for definition in &self.implementation.manifest.define {
            let name = &definition.name.text;
            match definition.for_each {
                None => {
                    let value = self.placed(definition.value.value(&self.scope.value()))?;
                    self.scope.define(name, value);
                }
                Some(ForEach::Group) => {
                    for (index, scope) in self.scope.by_group().iter().enumerate() {
                        let value = self.placed(definition.value.value(scope))?;
                        self.scope.define_in_group(index, name, value);
                    }
                }
            }
        }
        Ok(())
    }

    fn check_requirements(&self) -> Result<(), PlanError> {
        for requirement in &self.implementation.manifest.requires {
            for scope in self.scope.each(requirement.for_each.is_some()) {
                if !self.placed(requirement.expression.holds(&scope))? {
                    return Err(PlanError::Unsupported(self.placed(requirement.message.render(&scope))?));
                }
            }
        }
        Ok(())
    }

    /// The tensors that the manifest declares itself.
    fn tensors(&self) -> Result<Vec<Tensor>, PlanError> {
        let scope = self.scope.value();
        let declarations = self.implementation.manifest.tensor.iter();
        let sized = declarations.map(|tensor| {
            let elements: u64 = self.placed(tensor.elements.integer(&scope, "a size"))?;
            if elements.checked_mul(tensor.element.size()).is_none_or(|bytes| bytes == 0) {
                return self.placed(Err(tensor.elements.refuse(format_args!("is {elements}, not a size"))));
            }
            tensor.resolve(elements, self.implementation.data())
        });
        sized.collect()
    }

    fn buffers(&self, tensors: &[Tensor]) -> Result<Vec<Buffer>, PlanError> {
        let op = self.implementation.op();
        let inputs = op.inputs().iter().map(|name| (name, Role::Input));
        let of_op = inputs.chain(op.outputs().iter().map(|name| (name, Role::Output)));
        let mut buffers = of_op
            .map(|(name, role)| {
                Ok(Buffer { name: (*name).to_owned(), role, bytes: self.tensor_bytes(name)? })
            })
            .collect::<Result<Vec<Buffer>, PlanError>>()?;
        buffers.extend(tensors.iter().map(|tensor| Buffer {
            name: tensor.name.clone(),
            role: match tensor.role {
                TensorRole::Input => Role::Input,
                TensorRole::Output => Role::Output,
                TensorRole::Inout => Role::Inout,
            },
            bytes: tensor.elements * tensor.element.size(),
        }));
        for workspace in &self.implementation.manifest.workspace {
            let bytes: u64 = self.placed(workspace.bytes.integer(&self.scope.value(), "a size"))?;
            // No device allocates nothing; a kernel that needs nothing of it will not touch the one byte.
            let bytes = bytes.max(1);
            buffers.push(Buffer { name: workspace.name.text.clone(), role: Role::Workspace, bytes });
        }
        for table in &self.implementation.manifest.table {
            let content = self.table(table)?;
            let bytes = content.len() as u64;
            buffers.push(Buffer { name: table.name.text.clone(), role: Role::Table(content), bytes });
        }
        Ok(buffers)
    }

    /// Bytes of a tensor of the op.
    fn tensor_bytes(&self, tensor: &str) -> Result<u64, PlanError> {
        let Case { batch_size, seq_len, num_heads, head_dim, dtype, .. } = self.case;
        let sizes = [*batch_size, *seq_len, *num_heads, *head_dim].map(|size| size.unwrap_or(1));
        let element = dtype.map_or(1, pipe_model::Dtype::size);
        self.implementation
            .op()
            .elements(tensor, sizes)
            .and_then(|elements| elements.checked_mul(element))
            .ok_or_else(|| {
                PlanError::Unsupported(format!("tensor {tensor} of the case has more than 2^64 bytes"))
            })
    }

    /// Rows laid out as C structs: each scalar at a multiple of its size, each row at one of its largest scalar's.
    fn table(&self, table: &Table) -> Result<Vec<u8>, PlanError> {
        let align = table.row.iter().map(|scalar| scalar.kind.size()).max().unwrap_or(1);
        let mut content = Vec::new();
        let pad = |content: &mut Vec<u8>, to: usize| content.resize(content.len().next_multiple_of(to), 0);
        for scope in self.scope.each(table.for_each.is_some()) {
            for scalar in &table.row {
                pad(&mut content, scalar.kind.size());
                let bytes = self.scalar(scalar, &scope)?.bits().to_le_bytes();
                content.extend(bytes.iter().take(scalar.kind.size()));
            }
            pad(&mut content, align);
        }
        Ok(content)
    }

    /// What the expressions of a launch see, each time that it is launched.
    fn steps(&self, template: &LaunchTemplate, scope: &Value) -> Result<Vec<Value>, PlanError> {
        let Some(repeat) = &template.repeat else { return Ok(vec![scope.clone()]) };
        let steps: u64 = self.placed(repeat.integer(scope, "a number of steps"))?;
        Ok((0..steps).map(|step| in_step(scope, step)).collect())
    }

    /// A launch, or none where its grid is empty.
    fn launch(
        &self,
        template: &LaunchTemplate,
        scope: &Value,
        buffers: &[Buffer],
    ) -> Result<Option<Launch>, PlanError> {
        let entry = self.placed(template.entry.render(scope))?;
        let grid = self.dimensions(&template.grid, scope)?;
        if grid.contains(&0) {
            return Ok(None);
        }
        let block = self.dimensions(&template.block, scope)?;
        let exceeds =
            |size: [u32; 3], limit: [u32; 3]| size.iter().zip(limit).any(|(size, limit)| *size > limit);
        if exceeds(grid, GRID_LIMIT) {
            let message = format!(
                "`{entry}` would need a grid of {grid:?} blocks, at most {GRID_LIMIT:?} can be launched"
            );
            return Err(PlanError::Unsupported(message));
        }
        if block.contains(&0) || exceeds(block, BLOCK_LIMIT) || block.iter().product::<u32>() > BLOCK_THREADS
        {
            let place = &template.block[0];
            let message = format!(
                "begins a block of {block:?} threads; CUDA takes 1 to {BLOCK_THREADS} in all, {BLOCK_LIMIT:?} at most"
            );
            return self.placed(Err(place.refuse(message)));
        }
        let shared_bytes = match &template.shared_bytes {
            Some(expression) => self.placed(expression.integer(scope, "a size of shared memory"))?,
            None => 0,
        };
        let args = template.args.iter().map(|argument| match argument {
            ArgumentTemplate::Scalar(scalar) => self.scalar(scalar, scope),
            ArgumentTemplate::Buffer(name) => {
                let index = buffers.iter().position(|buffer| buffer.name == name.text);
                self.placed(index.map(Argument::Buffer).ok_or_else(|| name.refuse("is no buffer")))
            }
        });
        Ok(Some(Launch { entry, grid, block, shared_bytes, args: args.collect::<Result<_, _>>()? }))
    }

    fn dimensions(&self, expressions: &[Expression; 3], scope: &Value) -> Result<[u32; 3], PlanError> {
        let [x, y, z] = expressions;
        let dimension = |expression: &Expression| self.placed(expression.integer(scope, "u32"));
        Ok([dimension(x)?, dimension(y)?, dimension(z)?])
    }

    fn scalar(&self, scalar: &Scalar, scope: &Value) -> Result<Argument, PlanError> {
        let value = &scalar.value;
        self.placed(match scalar.kind {
            ScalarKind::U8 => value.integer(scope, "u8").map(Argument::U8),
            ScalarKind::U16 => value.integer(scope, "u16").map(Argument::U16),
            ScalarKind::U32 => value.integer(scope, "u32").map(Argument::U32),
            ScalarKind::S32 => value.integer(scope, "s32").map(Argument::S32),
            ScalarKind::U64 => value.integer(scope, "u64").map(Argument::U64),
            ScalarKind::S64 => value.integer(scope, "s64").map(Argument::S64),
            ScalarKind::F64 => value.number(scope).map(Argument::F64),
            ScalarKind::F32 => value.number(scope).map(|number| Argument::F32(number as f32)),
        })
    }

    /// Turns a fault into an error with file, line and column.
    fn placed<T>(&self, result: Result<T, Fault>) -> Result<T, PlanError> {
        result.map_err(|Fault { offset, message }| {
            let Implementation { manifest_file, manifest_text, .. } = self.implementation;
            PlanError::Expression {
                implementation: self.implementation.name().to_owned(),
                config: self.case.config(),
                error: FileError::at(manifest_file, manifest_text, offset, message),
            }
        })
    }
}
